"""The cluster that the tests run on: one of our own, or the one that `KUBECONFIG` names."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import urllib3

from tests.e2e.api import CLEARED, NODES, Api
from tests.e2e.apiserver import PRODUCT, SEEDER
from tests.e2e.given import Given, UnusableError
from tests.e2e.install import path_of, rights_of


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


class GivenCluster:
    """Somebody else's cluster; the users beside its own are impersonated.

    Raises UnusableError where the tests would do harm (between two of them Spiderpool's objects are deleted), and
    where the cluster does not answer.
    """

    compact = None

    def __init__(self, given: Given) -> None:
        masters = {"Impersonate-Group": "system:masters"}
        with ExitStack() as undo:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="spiderpool-aws-e2e-")))
            files = None if given.token else (_file(folder, given.certificate), _file(folder, given.key))

            def log_in(headers: Mapping[str, str]) -> Api:
                api = Api(given.server, given.authority, {**given.login, **headers}, files)
                undo.callback(api.close)
                return api

            self.admin = log_in({})
            self.product = log_in({"Impersonate-User": PRODUCT})
            self.seeder = log_in({"Impersonate-User": SEEDER, **masters})
            try:
                self._require_harmless(given)
            except urllib3.exceptions.HTTPError as error:
                raise UnusableError(f"{given.server} of {given.path} does not answer: {error}") from error
            self._undo = undo.pop_all()

    def _require_harmless(self, given: Given) -> None:
        rights = [path_of(collection, manifest) for collection, manifest in rights_of([PRODUCT])]
        for path in (*CLEARED, f"{NODES}/n", *rights):
            answer = self.admin.request("GET", path)
            if answer.status in (401, 403):
                raise UnusableError(f"the user of {given.path} is no administrator: {answer.body.get('message')}")
            if answer.body.get("items", answer.status == 200):
                raise UnusableError(
                    f"{given.server} has {path}, which the tests would delete: they take a cluster without the "
                    "product; delete it first if tests that were killed have left it"
                )

    def stop(self) -> None:
        """Close the connections and forget the credentials."""
        self._undo.close()


def _file(folder: Path, content: bytes) -> str:
    path = folder / hashlib.sha256(content).hexdigest()
    path.touch(mode=0o600)
    path.write_bytes(content)
    return str(path)
