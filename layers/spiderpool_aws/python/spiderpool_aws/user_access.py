"""AWS and the cluster as a person at the command line has them: boto3's and kubectl's own configuration.

What `bootstrap.py` is to the functions: it wires, and everything is made at its first use.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from spiderpool_aws.domain.errors import Refused
from spiderpool_aws.ports import Systems

if TYPE_CHECKING:
    from boto3 import Session

    from spiderpool_aws.adapters.user_kubeconfig import UserKubeconfig
    from spiderpool_aws.adopting import Adopter
    from spiderpool_aws.ports import Reporter


class UserAccess:
    """Everything raises Refused when the configuration that it needs is no use."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    @property
    def region(self) -> str:
        """The AWS region."""
        return self._session.region_name

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self._kubeconfig.server

    def policy_text(self, parameter: str) -> str:
        """Return what an SSM parameter holds."""
        from spiderpool_aws.adapters.control import read_policy_text

        return read_policy_text(self._client("ssm"), parameter)

    def adopter(self) -> Adopter:
        """Return what adopts pools."""
        from spiderpool_aws.adapters.clock import SystemClock
        from spiderpool_aws.adapters.cluster import ClusterAdapter
        from spiderpool_aws.adapters.ec2 import Ec2Adapter
        from spiderpool_aws.adapters.scaling import ScalingAdapter
        from spiderpool_aws.adopting import Adopter

        cluster = ClusterAdapter(self._kubeconfig, self._reporter)
        scaling = ScalingAdapter(lambda: self._client("autoscaling"))
        return Adopter(Systems(Ec2Adapter.from_session(self._session), cluster, scaling), SystemClock())

    @cached_property
    def _session(self) -> Session:
        import boto3
        from botocore.exceptions import BotoCoreError

        try:
            # boto3 itself reads AWS_DEFAULT_REGION and the profile; AWS_REGION is what the other SDKs and Lambda have.
            session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        except BotoCoreError as error:
            raise Refused(f"the AWS configuration is no use: {error}") from error
        if not session.region_name:
            raise Refused("no AWS region is configured: set AWS_REGION, or `region` in the profile")
        return session

    @cached_property
    def _kubeconfig(self) -> UserKubeconfig:
        from spiderpool_aws.adapters.user_kubeconfig import UserKubeconfig

        return UserKubeconfig()

    def _client(self, service: str) -> Any:
        return self._session.client(service)  # type: ignore[call-overload]
