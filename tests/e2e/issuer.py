"""AWS's token issuer on loopback: discovery document and keys over TLS, and tokens of the shape that AWS documents.

Sources: IAM user guide, "Understanding token claims" (the claims, and which are below `https://sts.amazonaws.com/`) and
"Getting started with outbound identity federation" (the two paths); RFC 7517, 7518 and 7519.
"""

import base64
import json
import tempfile
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from spiderpool_aws.local.cluster.certificates import make_server_context
from spiderpool_aws.ports import Clock

ACCOUNT = "123456789012"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/spiderpool-aws/Worker"
REGION = "eu-west-1"
ALGORITHM = "ES384"
_COORDINATE_BYTES = 48


class Issuer:
    """An account's issuer: `url`, `ca_pem`, `token`. Use it as a context, or call `stop`."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP384R1())
        self._key_id = f"EC384_{uuid.uuid4()}"
        with tempfile.TemporaryDirectory(prefix="spiderpool-aws-") as folder:
            context, ca_file = make_server_context(Path(folder))
            self.ca_pem = ca_file.read_text()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self._server.documents = {
            "/.well-known/openid-configuration": self._discovery(),
            "/.well-known/jwks.json": {"keys": [self._public_key()]},
        }
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="issuer")
        self._thread.start()

    def token(
        self,
        audience: str,
        issued: datetime,
        life: timedelta,
        sub: str = ROLE_ARN,
    ) -> str:
        """Return a signed token; `sub` is the ARN of whoever asks for it."""
        seconds = int(issued.timestamp())
        claims = {
            "iss": self.url,
            "aud": audience,
            "sub": sub,
            "iat": seconds,
            "exp": seconds + int(life.total_seconds()),
            "jti": str(uuid.uuid4()),
            "https://sts.amazonaws.com/": {
                "aws_account": sub.split(":")[4],
                "source_region": REGION,
                "org_id": "o-abc1234567",
                "ou_path": "o-abc1234567/r-ab12/ou-ab12-11111111/",
                "principal_tags": {"team": "network"},
                "lambda_source_function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:reconcile_nodes",
            },
        }
        header = {"alg": ALGORITHM, "kid": self._key_id, "typ": "JWT"}
        signed = f"{_segment(header)}.{_segment(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA384())))
        return f"{signed}.{_base64url(_coordinate(r) + _coordinate(s))}"

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/.well-known/jwks.json",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", ALGORITHM],
            "claims_supported": ["iss", "aud", "sub", "iat", "exp", "jti"],
        }

    def _public_key(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-384",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": self._key_id,
            "x": _base64url(_coordinate(numbers.x)),
            "y": _base64url(_coordinate(numbers.y)),
        }

    def stop(self) -> None:
        """Stop serving; returns when no thread and no socket is left."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> "Issuer":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


@dataclass
class StsDouble:
    """Answers `GetWebIdentityToken` of a boto3 client with the issuer's tokens; nothing leaves the process.

    `sub` is the caller, `late` how old the tokens are already when they are issued, `refusal` the code of an error to
    answer instead. `requests` are the forms as they would have been sent; `on_issue` is told every token.
    """

    issuer: Issuer
    clock: Clock
    sub: str = ROLE_ARN
    late: timedelta = timedelta()
    refusal: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    on_issue: Callable[[str], None] = field(default=lambda _token: None)

    def attach(self, sts: Any) -> None:
        """Stand between this client and the network."""
        sts.meta.events.register("before-call.sts.GetWebIdentityToken", self._answer)

    def _answer(self, params: dict[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        form = {**params["body"], "url": params["url"]}
        self.requests.append(form)
        if self.refusal:
            error = {"Code": self.refusal, "Message": "Refused.", "Type": "Sender"}
            return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}
        life, issued = timedelta(seconds=int(form["DurationSeconds"])), self.clock.now() - self.late
        token = self.issuer.token(form["Audience.member.1"], issued, life, self.sub)
        self.on_issue(token)
        return SimpleNamespace(status_code=200), {"WebIdentityToken": token, "Expiration": issued + life}


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    documents: dict[str, dict[str, Any]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust the certificate goes away: that is not the server's error."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        document = self.server.documents.get(self.path)
        content = json.dumps(document or {}).encode()
        self.send_response(200 if document else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def _segment(document: dict[str, Any]) -> str:
    return _base64url(json.dumps(document, separators=(",", ":")).encode())


def _coordinate(number: int) -> bytes:
    return number.to_bytes(_COORDINATE_BYTES)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
