"""The API server's side of the login `web-identity`: whom it trusts, and what it calls them.

Sources: Kubernetes, "Authenticating", structured authentication configuration (`apiserver.config.k8s.io/v1` since 1.34,
`v1beta1` since 1.30); IAM user guide, "Understanding token claims".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spiderpool_aws.trust import checked_url, checked_word

if TYPE_CHECKING:
    from collections.abc import Sequence

USER_PREFIX = "aws:"
MAXIMUM_AUDIENCE = 1000
"""The longest that STS accepts."""

# Nothing in it can end a string of CEL, so it needs no quoting.
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/(?:[\w+=,.@-]+/)*[\w+=,.@-]+", re.ASCII)
# The users of Kubernetes' own that are no group of users: of those each has one bearer.
_OWN_USER = re.compile(r"system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+|system:node:[a-z0-9.-]+")


class ManifestError(ValueError):
    """What was given makes no manifest; the message says what is wrong and what belongs there.

    `field` names what was given: a field of `Trust`, or `user`.
    """

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def user_of(role_arn: str) -> str:
    """Return the Kubernetes user that a role logs in as. Raises ManifestError."""
    return USER_PREFIX + checked_role_arn(role_arn)


def checked_user(text: str) -> str:
    """Return a name that a binding may be given to. Raises ManifestError for blanks and for the cluster's own users."""
    own = text.startswith("system:") and not _OWN_USER.fullmatch(text)
    if not text.isprintable() or not text.strip() or text != text.strip() or own:
        raise ManifestError(
            f"{text!r} is no user to bind to: give the name that the API server knows the functions by", "user"
        )
    return text


def checked_role_arn(text: str) -> str:
    """Return the ARN of a role. Raises ManifestError; a session's ARN, which is what people copy, is explained."""
    if _ROLE_ARN.fullmatch(text):
        return text
    if ":assumed-role/" in text:
        wanted = "is a session of a role: give the role itself"
    elif len(text.split(":role/")) > 2:
        wanted = "is more than one role: give each an option of its own, with one"
    else:
        wanted = "is not the ARN of a role"
    raise ManifestError(f"{text!r} {wanted}, arn:aws:iam::<account>:role/<path and name>", "role_arn")


@dataclass(frozen=True, slots=True)
class Trust:
    """Which tokens are let in. Raises ManifestError."""

    issuer: str
    audience: str
    role_arns: Sequence[str]
    issuer_authority: str | None = None
    """PEM bundle for an issuer whose certificate is of no public authority; AWS's needs none."""

    def __post_init__(self) -> None:
        try:
            checked_url(self.issuer)
        except ValueError as error:
            raise ManifestError(
                f"{self.issuer!r} is not the URL of an issuer, https://<id>.tokens.sts.global.api.aws ({error}): "
                "`aws iam get-outbound-web-identity-federation-info` tells the account's",
                "issuer",
            ) from None
        try:
            too_long = len(checked_word(self.audience)) > MAXIMUM_AUDIENCE
        except ValueError:
            too_long = True
        if too_long:
            raise ManifestError(
                f"{self.audience!r} is no audience: give what SPIDERPOOL_AWS_CLUSTER_AUDIENCE has, 1 to "
                f"{MAXIMUM_AUDIENCE} characters, none of them a space",
                "audience",
            )
        if not self.role_arns:
            raise ManifestError(
                "no role is named: the issuer serves the whole account, so give every function's role", "role_arn"
            )
        for arn in self.role_arns:
            checked_role_arn(arn)


def authentication_configuration(trust: Trust, *, beta: bool = False) -> dict[str, Any]:
    """Return an AuthenticationConfiguration that lets in exactly these roles; `beta` is for Kubernetes 1.30 to 1.33."""
    # Without a slash at its end, as AWS's tokens name it: an API server compares the two letter by letter.
    issuer: dict[str, Any] = {"url": checked_url(trust.issuer), "audiences": [trust.audience]}
    if trust.issuer_authority is not None:
        issuer["certificateAuthority"] = trust.issuer_authority
    roles = ", ".join(f"'{arn}'" for arn in dict.fromkeys(trust.role_arns))
    return {
        "apiVersion": f"apiserver.config.k8s.io/{'v1beta1' if beta else 'v1'}",
        "kind": "AuthenticationConfiguration",
        "jwt": [
            {
                "issuer": issuer,
                "claimValidationRules": [
                    {"expression": f"claims.sub in [{roles}]", "message": "sub is none of the roles that may log in"}
                ],
                # With the prefix no token makes its bearer one of Kubernetes' own users, `system:…`.
                "claimMappings": {"username": {"expression": f"'{USER_PREFIX}' + claims.sub"}},
            }
        ],
    }
