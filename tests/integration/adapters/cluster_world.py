"""What the tests of the cluster adapter need of a cluster: one description, for the double and for a real server."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.adapters.kubeconfig import configuration_of
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import Answer, ClusterDouble, Fault, serve_cluster
from tests.integration.adapters.kubeconfigs import kubeconfig
from tests.unit.adapters.doubles import RecordingReporter

API = "spiderpool.spidernet.io/v2beta1"
Hook = Callable[[str, str], Fault | None]
Json = dict[str, Any]
MERGE = "application/merge-patch+json"


class ClusterWorld(ABC):
    """A cluster with Spiderpool, and the adapter on it, logged in as the product over verified TLS."""

    cluster: ClusterAdapter

    @abstractmethod
    def connect(self, token: str) -> ClusterAdapter:
        """Return an adapter that logs in with another token."""

    @abstractmethod
    def as_admin(self, method: str, path: str, body: Json, content_type: str) -> Answer:
        """Send a request as an administrator."""

    @abstractmethod
    def put(self, obj: Json) -> Json:
        """Create an object as an administrator, its status included; return it as stored."""

    @abstractmethod
    def put_many(self, objects: Sequence[Json]) -> None:
        """Create objects of one kind past admission: quickly, when there are many."""

    @abstractmethod
    def objects(self, path: str) -> list[Json]:
        """Return all objects of a collection (`/api/v1/nodes`)."""

    @abstractmethod
    def settle(self) -> None:
        """Let Spiderpool's controller do what it has to do."""

    @abstractmethod
    def stop_controller(self) -> None:
        """End Spiderpool's controller, and with it the webhooks."""

    @abstractmethod
    def inject(self, hook: Hook) -> Callable[[], None]:
        """Ask the hook before each request what is to go wrong with it. Returns the function that ends this."""

    @property
    @abstractmethod
    def requests(self) -> list[tuple[str, str, int]]:
        """The requests so far, as (verb, resource, status); clear it with `.clear()`."""

    @abstractmethod
    def list_token_expiry(self) -> Callable[[], None]:
        """Return what makes every continue token too old. Skips the test where nothing does."""

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """Let every request fail like this, within the `with` block."""
        end = self.inject(lambda _method, _path: fault)
        try:
            yield
        finally:
            end()

    def use(self, name: str, *addresses: str) -> None:
        """Let pods use addresses of a pool, as the agent writes it."""
        records = {address: {"pod": f"default/pod-{n}", "podUid": str(n)} for n, address in enumerate(addresses)}
        # The agent leaves the field out when the last address is released.
        text = json.dumps(records) if records else None
        self.write_as_admin(f"spiderippools/{name}/status", {"status": {"allocatedIPs": text}})

    def write_as_admin(self, path: str, patch: Any, *, prefix: str = f"/apis/{API}") -> None:
        """Send a merge patch."""
        answer = self.as_admin("PATCH", f"{prefix}/{path}", patch, MERGE)
        assert answer.status == 200, answer.body

    def put_node(self, **spec: Any) -> str:
        """Create Node `n` with an address and exactly this spec; return its uid."""
        status = {"addresses": [{"type": "InternalIP", "address": "10.0.0.10"}]}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": spec, "status": status}
        uid: str = self.put(node)["metadata"]["uid"]
        # A real server adds a taint of its own to a new Node.
        self.write_as_admin("nodes/n", {"spec": {"taints": spec.get("taints")}}, prefix="/api/v1")
        return uid

    def spec_of_node(self) -> Json:
        """Return the spec of Node `n`."""
        [node] = [one for one in self.objects("/api/v1/nodes") if one["metadata"]["name"] == "n"]
        spec: Json = node.get("spec", {})
        return spec


def adapter(kubeconfig: str) -> ClusterAdapter:
    """Return an adapter that logs in as a kubeconfig says."""
    client = ApiClient(configuration_of(kubeconfig, "the test"))
    return ClusterAdapter(FixedCredentials(client), RecordingReporter())


class DoubleWorld(ClusterWorld):
    """The double, over HTTPS, on a clock that stands still."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.double = ClusterDouble(self.clock)
        self._server = serve_cluster(self.double)
        self.cluster = self.connect(self.double.token)

    def connect(self, token: str) -> ClusterAdapter:
        return adapter(kubeconfig(self._server.url, self._server.ca_pem, token))

    def as_admin(self, method: str, path: str, body: Json, content_type: str) -> Answer:
        headers = {"Authorization": f"Bearer {self.double.admin_token}", "Content-Type": content_type}
        return self.double.request(method, path, {}, headers, body)

    def put(self, obj: Json) -> Json:
        return self.double.put(obj)

    def put_many(self, objects: Sequence[Json]) -> None:
        for obj in objects:
            self.double.put(obj)

    def objects(self, path: str) -> list[Json]:
        return self.double.objects(path.rpartition("/")[2])

    def settle(self) -> None:
        self.clock.advance(60)

    def stop_controller(self) -> None:
        self.double.controller_up = False

    def inject(self, hook: Hook) -> Callable[[], None]:
        return self.double.inject(hook)

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        return self.double.requests

    def list_token_expiry(self) -> Callable[[], None]:
        return self.double.expire_list_tokens

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()
