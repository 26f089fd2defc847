"""Tokens that AWS signs: `sts:GetWebIdentityToken`. No secret is stored anywhere.

Sources: STS API reference, GetWebIdentityToken (60 to 3,600 s, default 300; not on the global endpoint; `Expiration`);
IAM user guide, "Understanding token claims" (`iss` is the account's issuer, `sub` the principal's ARN, `aud` what was
asked for, AWS's own claims below `https://sts.amazonaws.com/`).
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.adapters.credentials import IssuedToken
from spiderpool_aws.deployment import TOKEN_LIFE

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "ES384"

_ADVICE = {
    "OutboundWebIdentityFederationDisabled": (
        "call iam:EnableOutboundWebIdentityFederation once in this account, or log in another way "
        "(SPIDERPOOL_AWS_CLUSTER_LOGIN)"
    ),
    "SessionDurationEscalation": (
        f"the session of the function's role ends within {TOKEN_LIFE.seconds} s; the runtime renews it, nothing is to "
        "be done"
    ),
    "JWTPayloadSizeExceeded": "the role has too many or too long tags for a token: remove some",
    "InvalidAction": (
        "STS has no such tokens in this region: set SPIDERPOOL_AWS_CLUSTER_LOGIN to iam-authenticator or kubeconfig"
    ),
}


class WebIdentityToken:
    """Implements `TokenSource`. `sts` is a boto3 client of the regional STS, `audience` what the cluster expects."""

    def __init__(self, sts: Any, audience: str) -> None:
        self._sts = sts
        self._audience = audience

    def issue(self) -> IssuedToken:
        """Ask STS for a token. Raises RetryLater; when the account does not allow it, saying what to call."""
        with aws_errors("sts:GetWebIdentityToken", f"audience {self._audience}", advice=_ADVICE):
            answer = self._sts.get_web_identity_token(
                Audience=[self._audience], SigningAlgorithm=ALGORITHM, DurationSeconds=TOKEN_LIFE.seconds
            )
        return IssuedToken(answer["WebIdentityToken"], TOKEN_LIFE)

    def refusal(self, token: IssuedToken, now: datetime) -> str:
        """Say whom the token names and whether it has expired: an API server tells a client neither."""
        claims = _claims(token.text)
        expires = claims.get("exp")
        named = f"issuer {claims.get('iss')}, audience {claims.get('aud')}, sub {claims.get('sub')}"
        if isinstance(expires, int) and expires <= now.timestamp():
            return f"it expired at {_time(expires)} ({named}); another is asked for, if this lasts check the clocks"
        return (
            f"its AuthenticationConfiguration must name exactly what the token holds ({named}, valid until "
            f"{_time(expires)}); `spiderpool-aws manifests auth` prints one. If it does, check that the API server "
            "reaches the issuer's keys and has the right time"
        )


def _claims(token: str) -> Mapping[str, Any]:
    """Return what a JWT says, unverified: it is for our own message, and the API server has refused it anyway."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _time(seconds: object) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if isinstance(seconds, int) else "?"
