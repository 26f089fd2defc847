"""The reconciler's API server for real: the product behind the proxy, as the user of the printed roles."""

from datetime import UTC, datetime

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.local.cluster.answers import Json
from tests.e2e import api
from tests.e2e.real_world import TOKEN, RealWorld

NODES = "/api/v1/nodes"
EVENTS = "/api/v1/namespaces/default/events"
PODS = "/api/v1/namespaces/default/pods"


class RealServer:
    """Implements the `ApiServer` of `tests/integration/reconciling.py`. `clear` takes away what a test has left."""

    def __init__(self, world: RealWorld) -> None:
        self._world = world

    def product(self) -> ClusterAdapter:
        return self._world.connect(TOKEN)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def admin(self, method: str, path: str, body: Json | None = None, content_type: str = api.JSON) -> Json:
        return self._world.admin.expect(method, path, body, content_type)

    def clear(self) -> None:
        """Delete all Pods, Events and Nodes: only where nobody else has any."""
        now = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
        for path in (PODS, EVENTS, NODES):
            for item in self._world.admin.items(path):
                self._world.admin.request("DELETE", f"{path}/{item['metadata']['name']}", now)
