"""A client of an API server for the tests' own needs, as an administrator: plain JSON requests over verified TLS."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from spiderpool_aws.local.cluster.answers import Answer, Json

JSON = "application/json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
NODES = "/api/v1/nodes"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
SPIDERPOOL = "/apis/spiderpool.spidernet.io/v2beta1"
POOLS = f"{SPIDERPOOL}/spiderippools"
MULTUS = f"{SPIDERPOOL}/spidermultusconfigs"
CLEARED = (
    POOLS,
    f"{SPIDERPOOL}/spiderreservedips",
    f"{SPIDERPOOL}/namespaces/kube-system/spidermultusconfigs",
    "/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions",
)
"""The collections of which a test may leave anything, and which are emptied between two tests."""
AT_ONCE = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
"""The body of a DELETE that waits for no kubelet."""
_WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.05


def bearer(token: str) -> dict[str, str]:
    """Return the header of a user with a token."""
    return {"Authorization": f"Bearer {token}"}


class Api:
    """Requests to one API server as one user, from any thread.

    `headers` say who: a token, or whom to impersonate; `client_files` are the certificate and key to log in with.
    """

    def __init__(
        self, url: str, ca_pem: str, headers: Mapping[str, str], client_files: tuple[str, str] | None = None
    ) -> None:
        self.url = url
        self.ca_pem = ca_pem
        self.headers = headers
        certificate, key = client_files or (None, None)
        self._pool = urllib3.PoolManager(
            ca_cert_data=ca_pem, cert_file=certificate, key_file=key, maxsize=32, retries=False, timeout=60
        )

    def request(self, method: str, path: str, body: Any = None, content_type: str = JSON, **query: str) -> Answer:
        """Send a request and return the answer, whatever its status. Raises urllib3's HTTPError without one."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.forward(method, path, query, {"Content-Type": content_type}, content)

    def forward(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        """Send a request as it is; a token of its own goes before our user."""
        url = f"{self.url}{quote(path)}{f'?{urlencode(query)}' if query else ''}"
        ours = {} if any(name.lower() == "authorization" for name in headers) else self.headers
        sent = {"Accept": JSON, **ours, **headers}
        response = self._pool.request(method, url, body=content, headers=sent)
        kept = {name: text for name, text in response.headers.items() if name.lower() == "retry-after"}
        try:
            document = json.loads(response.data)
        except ValueError:
            document = {"message": response.data.decode(errors="replace")}
        return Answer(response.status, document, kept)

    def expect(self, method: str, path: str, body: Any = None, content_type: str = JSON, **query: str) -> Json:
        """Send a request that must succeed, and return the document."""
        answer = self.request(method, path, body, content_type, **query)
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body.get('message')}")
        return answer.body

    def items(self, path: str) -> list[Json]:
        """Return all objects of a collection."""
        found: list[Json] = self.expect("GET", path)["items"]
        return found

    def apply(self, path: str, obj: Json) -> Json:
        """Apply an object of the collection at the path."""
        target = f"{path}/{obj['metadata']['name']}"
        return self.expect("PATCH", target, obj, APPLY, fieldManager="e2e", force="true")

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def wait_until(what: str, holds: Callable[[], bool], seconds: float = _WAIT_SECONDS) -> None:
    """Return as soon as it holds. Raises TimeoutError, naming what did not come true."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        pause.wait(_POLL_SECONDS)
