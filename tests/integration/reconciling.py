"""A reconciler between a small EC2 and an API server. Nothing here or in its tests asks which API server it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.request import Outcome, ReconcileRequest
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import ClusterDouble, connect_in_process
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from tests.unit import build
from tests.unit.adapters.doubles import RecordingReporter
from tests.unit.world import SmallControl, SmallEc2, SmallScaling

SPIDERPOOL = "/apis/spiderpool.spidernet.io/v2beta1"
POOLS = f"{SPIDERPOOL}/spiderippools"
NETWORKS = f"{SPIDERPOOL}/namespaces/kube-system/spidermultusconfigs"
TAINT = "spiderpool-aws/not-ready"
MERGE = "application/merge-patch+json"

Json = dict[str, Any]


class ServerUnderTest(Protocol):
    """An API server, as its administrator and as the product reach it."""

    def product(self) -> ClusterAdapter:
        """Return the product's adapter."""

    def now(self) -> datetime:
        """Return the server's time."""

    def admin(self, method: str, path: str, body: Json | None = None, content_type: str = "application/json") -> Json:
        """Send a request as administrator, and return the answer's document."""


class DoubleServer:
    """The cluster double."""

    def __init__(self) -> None:
        self.double = ClusterDouble(ManualClock())

    def product(self) -> ClusterAdapter:
        client = ApiClient(
            Configuration(host="https://10.0.0.10:6443", api_key={"authorization": f"Bearer {self.double.token}"})
        )
        connect_in_process(client, self.double)
        return ClusterAdapter(FixedCredentials(client), RecordingReporter())

    def now(self) -> datetime:
        return self.double.clock.now()

    def admin(self, method: str, path: str, body: Json | None = None, content_type: str = "application/json") -> Json:
        headers = {"Authorization": f"Bearer {self.double.admin_token}", "Content-Type": content_type}
        answer = self.double.request(method, path, {}, headers, body)
        assert answer.status < 300, answer.body
        return answer.body


@dataclass
class Clock:
    """The server's clock, and what a test has added to it."""

    server: ServerUnderTest
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return self.server.now() + self.ahead


@dataclass
class Bench:
    """One instance `i-1` with one NIC, an API server, and the product between them."""

    server: ServerUnderTest
    ec2: SmallEc2 = field(default_factory=SmallEc2)
    control: SmallControl = field(default_factory=SmallControl)

    def __post_init__(self) -> None:
        self.clock = Clock(self.server)
        self.reporter = RecordingReporter()
        self.adapter = self.server.product()
        self.control.control = Control(build.policy(nics=1)).judged()
        self.reconciler = Reconciler(
            Systems(self.ec2, self.adapter, SmallScaling()), self.control, self.clock, self.reporter
        )
        self.launch()

    def launch(self, **changes: Any) -> ObservedInstance:
        launched = self.server.now() - timedelta(minutes=1)
        tags = {"spiderpool-aws/cluster": "prod", "Name": "worker-7"}
        instance = replace(build.instance(build.eni(0), launch_time=launched, tags=tags), **changes)
        self.ec2.put(instance)
        return instance

    def reconcile(self, instance_id: str = "i-1") -> Outcome:
        return self.reconciler.reconcile([ReconcileRequest(instance_id, "event-1", "test")])[instance_id]

    def policy(self, **changes: Any) -> None:
        self.control.control = Control(build.policy(nics=1, **changes)).judged()

    def join(self, name: str, *, address: str = "10.0.0.10", provider_id: str = "", tainted: bool = True) -> Json:
        """Let a kubelet register a Node."""
        spec: Json = {"taints": [{"key": TAINT, "effect": "NoSchedule"}]} if tainted else {}
        if provider_id:
            spec["providerID"] = provider_id
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}
        self.server.admin("POST", "/api/v1/nodes", node)
        status = {"status": {"addresses": [{"type": "InternalIP", "address": address}]}}
        return self.server.admin("PATCH", f"/api/v1/nodes/{name}/status", status, MERGE)

    def node(self, name: str) -> Json:
        return self.server.admin("GET", f"/api/v1/nodes/{name}")

    def nodes(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.server.admin("GET", "/api/v1/nodes")["items"]]

    def taints(self, name: str) -> list[str]:
        return [taint["key"] for taint in self.node(name)["spec"].get("taints") or () if taint["key"] == TAINT]

    def pools(self) -> Mapping[str, Pool]:
        return {pool.name: pool for pool in self.adapter.list_pools()}

    def events(self, *reasons: str) -> list[Json]:
        """Return the product's Events, of some reasons when they are given."""
        listed = self.server.admin("GET", "/api/v1/namespaces/default/events")["items"]
        ours = [event for event in listed if event.get("reportingComponent") == "spiderpool-aws"]
        return [event for event in ours if not reasons or event["reason"] in reasons]
