"""Tokens for EKS and aws-iam-authenticator: a presigned `sts:GetCallerIdentity` that the cluster sends to STS.

Source: kubernetes-sigs/aws-iam-authenticator, pkg/token/token.go and docs: the token is `k8s-aws-v1.` and the URL in
base64url without padding; the header `x-k8s-aws-id` must be among the signed ones and have the cluster's ID, or a token
for one cluster would do for another; STS accepts the URL for 15 minutes from `X-Amz-Date`, whatever `X-Amz-Expires`
says, which old servers want to be at most 60.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.adapters.credentials import IssuedToken

if TYPE_CHECKING:
    from datetime import datetime

LIFE = timedelta(minutes=15)
PREFIX = "k8s-aws-v1."
CLUSTER_ID_HEADER = "x-k8s-aws-id"
_EXPIRES_SECONDS = 60


class IamAuthenticatorToken:
    """Implements `TokenSource`. `sts` is a boto3 client of the regional STS, kept for this use alone."""

    def __init__(self, sts: Any, cluster_id: str) -> None:
        self._sts = sts
        self._cluster_id = cluster_id
        sts.meta.events.register("before-sign.sts.GetCallerIdentity", self._name_cluster)

    def issue(self) -> IssuedToken:
        """Sign a token; nothing is sent. Raises RetryLater when there are no credentials to sign with."""
        with aws_errors("sts:GetCallerIdentity", f"cluster {self._cluster_id}"):
            url = self._sts.generate_presigned_url("get_caller_identity", ExpiresIn=_EXPIRES_SECONDS, HttpMethod="GET")
        return IssuedToken(PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("="), LIFE)

    def refusal(self, token: IssuedToken, now: datetime) -> str:  # noqa: ARG002
        """Name the cluster's ID and the two places where a role is mapped to a user."""
        return (
            f"it was signed for the cluster ID {self._cluster_id} at {self._sts.meta.endpoint_url}: check "
            "SPIDERPOOL_AWS_CLUSTER_ID, and that an EKS access entry (or aws-auth, or the authenticator's mapping) "
            "names the function's role"
        )

    def _name_cluster(self, request: Any, **_: Any) -> None:
        # Before signing, so that the header is among the signed ones.
        request.headers[CLUSTER_ID_HEADER] = self._cluster_id
