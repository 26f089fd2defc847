"""The reconciler's API server for real."""

from collections.abc import Callable
from datetime import UTC, datetime

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.local.cluster.answers import Json
from tests.e2e import api

EVENTS = "/api/v1/namespaces/default/events"
PODS = "/api/v1/namespaces/default/pods"


class RealServer:
    """Implements the `ServerUnderTest` of `tests/integration/reconciling.py`. `clear` takes away what a test has left.

    `connect` logs the product in: as the user of the printed roles, through a proxy or straight.
    """

    def __init__(self, admin: api.Api, connect: Callable[[], ClusterAdapter]) -> None:
        self._admin = admin
        self._connect = connect

    def product(self) -> ClusterAdapter:
        return self._connect()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def admin(self, method: str, path: str, body: Json | None = None, content_type: str = api.JSON) -> Json:
        return self._admin.expect(method, path, body, content_type)

    def clear(self) -> None:
        """Delete all Pods, Events and Nodes: only where nobody else has any."""
        for path in (PODS, EVENTS, api.NODES):
            for item in self._admin.items(path):
                self._admin.request("DELETE", f"{path}/{item['metadata']['name']}", api.AT_ONCE)
