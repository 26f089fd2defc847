"""From a command's options to its world: AWS and the cluster as boto3 and kubectl find them, or the demo."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spiderpool_aws.cli.errors import Mistake
from spiderpool_aws.cli.world import Beside, Core, Notes, World
from spiderpool_aws.deployment import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boto3 import Session

    from spiderpool_aws.domain.control import Control
    from spiderpool_aws.domain.fuse import Fuse
    from spiderpool_aws.domain.policy.model import Policy
    from spiderpool_aws.ports import ControlPort

SSM = "ssm:"


@dataclass(frozen=True, slots=True)
class Where:
    """Which cluster, which policy, and which of the person's logins."""

    cluster: str = ""
    policy: str = ""
    """A file, or `ssm:<parameter>`; empty: the parameter that the deployment has."""
    context: str = ""
    region: str = ""
    profile: str = ""
    demo: bool = False


@contextmanager
def connected(where: Where) -> Iterator[World]:
    """Give the world of the options. Raises Mistake for options that do not go together."""
    if where.demo:
        given = [name for name in ("cluster", "policy", "context", "region", "profile") if getattr(where, name)]
        if given:
            raise Mistake(f"--demo has a cluster and a policy of its own: leave out --{', --'.join(given)}")
        from spiderpool_aws.cli.demo_world import demo_world

        with demo_world() as world:
            yield world
        return
    policy = _policy_of(where.policy)
    cluster = where.cluster or (policy.cluster if policy is not None else "")
    if not cluster:
        raise Mistake("which cluster? Give --cluster NAME (or --policy FILE), or try --demo")
    yield _real_world(where, Names(cluster), policy)


def aws_session(region: str, profile: str) -> Session:
    """Return boto3's session. Raises Mistake without a region.

    boto3 reads AWS_DEFAULT_REGION and the profile; AWS_REGION is what the other SDKs and Lambda have.
    """
    import boto3

    found = boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None, profile_name=profile or None)
    if not found.region_name:
        raise Mistake("no AWS region is configured: give --region, or set AWS_REGION or the profile's `region`")
    return found


def _real_world(where: Where, names: Names, policy: Policy | None) -> World:
    from spiderpool_aws.adapters.account import Account
    from spiderpool_aws.adapters.clock import SystemClock
    from spiderpool_aws.adapters.cluster import ClusterAdapter
    from spiderpool_aws.adapters.cluster_facts import ClusterFacts
    from spiderpool_aws.adapters.control import SsmControl
    from spiderpool_aws.adapters.deployed import Deployed
    from spiderpool_aws.adapters.ec2 import Ec2Adapter
    from spiderpool_aws.adapters.probes import ProbePods
    from spiderpool_aws.adapters.scaling import ScalingAdapter
    from spiderpool_aws.adapters.user_kubeconfig import UserKubeconfig
    from spiderpool_aws.ports import Systems

    session = aws_session(where.region, where.profile)
    make_client, notes = clients(session), Notes()
    credentials = UserKubeconfig(where.context)
    parameter = where.policy.removeprefix(SSM) if where.policy.startswith(SSM) else names.policy_parameter
    parameters = SsmControl(make_client("ssm"), names.policy_parameter, names.fuse_parameter, notes)
    control: ControlPort = parameters
    if policy is not None:
        control = FileControl(parameters, policy)
    elif parameter != names.policy_parameter:
        control = SsmControl(make_client("ssm"), parameter, names.fuse_parameter, notes)
    systems = Systems(
        Ec2Adapter.from_session(session),
        ClusterAdapter(credentials, notes),
        ScalingAdapter(lambda: make_client("autoscaling")),
    )
    source = where.policy if policy is not None else f"{SSM}{parameter}"
    core = Core(systems, control, SystemClock(), notes)
    beside = Beside(
        Deployed(make_client, names), ClusterFacts(credentials), Account(make_client, names), ProbePods(credentials)
    )
    return World(names, core, beside, source, parameters)


def clients(session: Session) -> Callable[[str], Any]:
    """Return what makes a client of a service. It raises Mistake where the configured endpoint is no URL."""
    from botocore.config import Config

    # A resync answers after at most five minutes, and is never invoked twice.
    slow = Config(connect_timeout=5, read_timeout=310, retries={"mode": "standard", "total_max_attempts": 1})
    usual = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})

    def make(service: str) -> Any:
        make_one: Any = session.client
        try:
            return make_one(service, config=slow if service == "lambda" else usual)
        except ValueError as error:
            # AWS_ENDPOINT_URL, or endpoint_url of the profile, is none.
            raise Mistake(f"AWS cannot be asked: {error}") from error

    return make


@dataclass(frozen=True, slots=True)
class FileControl:
    """Implements `ControlPort` with a policy that is not in its parameter yet; the fuse is the cluster's."""

    parameters: ControlPort
    policy: Policy

    def read(self) -> Control:
        """Return the file's policy, and the fuse of the cluster."""
        return replace(self.parameters.read(), policy=self.policy, problem="")

    def write_fuse(self, fuse: Fuse, *, instead_of: Fuse) -> bool:
        """Store the fuse's state."""
        return self.parameters.write_fuse(fuse, instead_of=instead_of)


def _policy_of(given: str) -> Policy | None:
    if not given or given.startswith(SSM):
        return None
    from spiderpool_aws.domain.errors import PolicyError
    from spiderpool_aws.domain.policy.model import parse_policy

    try:
        raw = sys.stdin.buffer.read() if given == "-" else Path(given).read_bytes()
        return parse_policy(raw.decode())
    except OSError as error:
        raise Mistake(
            f"--policy {given} cannot be read ({error.strerror}): give a policy file, - or {SSM}<parameter>"
        ) from error
    except UnicodeDecodeError as error:
        raise Mistake(f"--policy {given} is not UTF-8: save it as UTF-8") from error
    except PolicyError as error:
        raise Mistake(f"--policy {given} is not valid:\n{error}") from error
