"""The cluster that the tests run on: one of our own, or the one that `KUBECONFIG` names."""

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.e2e.api import CLEARED, NODES, Api, bearer
from tests.e2e.apiserver import PRODUCT, SEEDER


class Cluster(Protocol):
    """Clients for its three users: an administrator, the product, and an administrator whom our webhooks pass over."""

    @property
    def admin(self) -> Api: ...

    @property
    def product(self) -> Api: ...

    @property
    def seeder(self) -> Api: ...

    @property
    def compact(self) -> Callable[[], None] | None:
        """What lets its etcd forget every version but the newest; None where that is not ours to do."""


class UnusableError(Exception):
    """The kubeconfig, or its cluster, cannot be used for tests."""


class GivenCluster:
    """Somebody else's cluster, by a kubeconfig with a token or a client certificate; the other users are impersonated.

    Raises UnusableError where the tests would do harm: between two of them Spiderpool's objects are deleted.
    """

    compact = None

    def __init__(self, kubeconfig: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        context = _named(document, "contexts", "context", document.get("current-context"))
        cluster = _named(document, "clusters", "cluster", context["cluster"])
        user = _named(document, "users", "user", context["user"])
        self._folder = tempfile.TemporaryDirectory(prefix="spiderpool-aws-e2e-")
        self._home = kubeconfig.parent
        authority = self._content(cluster, "certificate-authority")
        login, files = {}, None
        if "token" in user:
            login = bearer(user["token"])
        elif (certificate := self._content(user, "client-certificate")) and (key := self._content(user, "client-key")):
            files = self._file("client.crt", certificate), self._file("client.key", key)
        if not authority or not (login or files):
            raise UnusableError(f"{kubeconfig} needs a certificate-authority, and a token or a client certificate")
        where = cluster["server"].rstrip("/"), authority.decode()
        masters = {"Impersonate-Group": "system:masters"}
        self.admin = Api(*where, login, files)
        self.product = Api(*where, {**login, "Impersonate-User": PRODUCT}, files)
        self.seeder = Api(*where, {**login, "Impersonate-User": SEEDER, **masters}, files)
        for path in (*CLEARED, f"{NODES}/n"):
            answer = self.admin.request("GET", path)
            if answer.status in (401, 403):
                raise UnusableError(f"the user of {kubeconfig} is no administrator: {answer.body.get('message')}")
            if answer.body.get("items", answer.status == 200):
                raise UnusableError(f"the cluster of {kubeconfig} has {path}, which the tests would delete")

    def _content(self, entry: dict[str, Any], name: str) -> bytes:
        if f"{name}-data" in entry:
            return base64.b64decode(entry[f"{name}-data"])
        return (self._home / entry[name]).read_bytes() if name in entry else b""

    def _file(self, name: str, content: bytes) -> str:
        path = Path(self._folder.name) / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return str(path)

    def stop(self) -> None:
        """Close the connections and forget the credentials."""
        for client in (self.admin, self.product, self.seeder):
            client.close()
        self._folder.cleanup()


def _named(document: dict[str, Any], listing: str, kind: str, name: str | None) -> dict[str, Any]:
    for item in document.get(listing) or ():
        if item["name"] == name:
            found: dict[str, Any] = item[kind]
            return found
    raise UnusableError(f"{listing} of the kubeconfig has no {name!r}")
