"""`verify` on a real API server: its pods and its Service are taken, read and removed.

No kubelet runs here, so no packet is sent: a stand-in gives each server an address, and says of each check that it went
well. What a network does, only a cluster with nodes shows.
"""

import re
from collections.abc import Iterator

import pytest
from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.adapters.kubeconfig import configuration_of
from spiderpool_aws.adapters.probes import ProbePods
from spiderpool_aws.cli.verify_plan import Kind, Site, Spot
from spiderpool_aws.cli.verify_pods import LABEL, Manifests
from spiderpool_aws.cli.verify_run import Verification
from spiderpool_aws.local.cluster.answers import Json
from tests.e2e import api
from tests.e2e.apiserver import ADMIN_TOKEN, ApiServer
from tests.integration.adapters.kubeconfigs import kubeconfig

PODS, SERVICES = (f"/api/v1/namespaces/default/{kind}" for kind in ("pods", "services"))
OURS = f"{LABEL}=run1"
SPOTS = tuple(Spot(node, "kube-system/ipvlan-ens5", frozenset({"10.0.0.0/24"})) for node in ("a", "b"))
SITE = Site(SPOTS, {"a": ("10.0.0.4",), "b": ("10.0.0.14",)}, {"a": (), "b": ()}, ("ens5",))


class Kubelets:
    """Says what kubelets would say of the run's pods."""

    def __init__(self, server: ApiServer) -> None:
        self._admin = server.admin
        self.seen: dict[str, Json] = {}

    def pods(self) -> list[Json]:
        found: list[Json] = self._admin.expect("GET", PODS, labelSelector=OURS)["items"]
        return found

    def work(self, _seconds: float) -> None:
        for number, pod in enumerate(self.pods()):
            name = pod["metadata"]["name"]
            if name not in self.seen:
                self.seen[name] = pod
                self._admin.expect("PATCH", f"{PODS}/{name}/status", {"status": _status(pod, number)}, api.MERGE)

    def end(self) -> None:
        for name in self.seen:
            self._admin.request("DELETE", f"{PODS}/{name}", api.AT_ONCE)


def _status(pod: Json, number: int) -> Json:
    if pod["metadata"]["labels"]["role"] == "server":
        ip = f"10.0.0.{20 + number}"
        running = _container(ready=True, state={"running": {"startedAt": "2026-01-01T00:00:00Z"}})
        return {"phase": "Running", "podIPs": [{"ip": ip}], "podIP": ip, "containerStatuses": [running]}
    checks = re.findall(r"^t (\d+) ", pod["spec"]["containers"][0]["command"][2], re.MULTILINE)
    message = "\n".join([*(f"{number} ok" for number in checks), "addr ens5 10.0.0.4/24"])
    ended = _container(ready=False, state={"terminated": {"exitCode": 0, "message": message}})
    return {"phase": "Succeeded", "containerStatuses": [ended]}


def _container(*, ready: bool, state: Json) -> Json:
    return {"name": "verify", "image": "", "imageID": "", "ready": ready, "restartCount": 0, "state": state}


@pytest.fixture
def kubelets(api_server: ApiServer) -> Iterator[Kubelets]:
    made = Kubelets(api_server)
    yield made
    made.end()


def run_of(server: ApiServer, kubelets: Kubelets) -> Verification:
    text = kubeconfig(server.url, server.ca_pem, ADMIN_TOKEN)
    probes = ProbePods(FixedCredentials(ApiClient(configuration_of(text, "the test"))))
    return Verification(probes, Manifests("run1", "default"), SITE, "http://outside", kubelets.work)


def test_every_object_is_taken_and_read_and_none_stays(api_server: ApiServer, kubelets: Kubelets) -> None:
    run = run_of(api_server, kubelets)
    found = run.run()
    assert [verdict for verdict in found if not verdict.ok] == []
    assert {verdict.kind for verdict in found} == set(Kind) - {Kind.STARTED}
    [cluster_ip] = {verdict.target for verdict in found if verdict.kind is Kind.CLUSTER_IP}
    assert re.fullmatch(r"[0-9.]+", cluster_ip)
    assert {pod["spec"]["nodeName"] for pod in kubelets.seen.values()} == {"a", "b"}
    # A kubelet would have taken them away by now.
    assert all("deletionTimestamp" in pod["metadata"] for pod in kubelets.pods())
    assert api_server.admin.expect("GET", SERVICES, labelSelector=OURS)["items"] == []
    assert run.left_behind == []


def test_an_interrupted_run_leaves_nothing(api_server: ApiServer, kubelets: Kubelets) -> None:
    run = run_of(api_server, kubelets)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    run.pause = interrupt
    with pytest.raises(KeyboardInterrupt):
        run.run()
    kubelets.seen = {pod["metadata"]["name"]: pod for pod in kubelets.pods()}
    assert all("deletionTimestamp" in pod["metadata"] for pod in kubelets.seen.values())
    assert api_server.admin.expect("GET", SERVICES, labelSelector=OURS)["items"] == []
