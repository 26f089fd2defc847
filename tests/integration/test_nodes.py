"""Nodes, by the product's adapter on an API server: names, providerID, the startup taint, and the dead."""

from datetime import timedelta

import pytest

from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.request import Status
from tests.integration.reconciling import Bench, ServerUnderTest
from tests.unit import build

DNS = "ip-10-0-0-10.eu-west-1.compute.internal"
DEAD = {"state": InstanceState.TERMINATED, "enis": (), "private_ipv4": "", "private_dns_name": ""}


@pytest.fixture
def cluster(server: ServerUnderTest) -> Bench:
    return Bench(server)


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        pytest.param("discover", DNS, id="discover, by the private DNS name"),
        pytest.param("discover", "worker-7.example", id="discover, by its address among all Nodes"),
        pytest.param("private-dns-name", DNS, id="private-dns-name"),
        pytest.param("instance-id", "i-1", id="instance-id"),
        pytest.param("tag:Name", "worker-7", id="tag"),
    ],
)
def test_each_name_strategy_finds_its_node_and_prepares_it(cluster: Bench, strategy: str, name: str) -> None:
    cluster.policy(nodeName=strategy)
    cluster.join("bystander", address="10.0.0.99")
    before = cluster.node("bystander")
    cluster.join(name)
    assert cluster.reconcile().status is Status.DONE
    assert cluster.node(name)["spec"]["providerID"] == "aws:///eu-west-1a/i-1"
    assert cluster.taints(name) == []
    assert [pool.spec.node_name for pool in cluster.pools().values()] == [(name,)]
    assert cluster.node("bystander") == before


def test_discover_finds_a_node_of_any_name_by_its_provider_id_alone(cluster: Bench) -> None:
    cluster.join("custom", address="192.0.2.1", provider_id="aws:///eu-west-1a/i-1")
    assert cluster.reconcile().status is Status.DONE
    assert cluster.taints("custom") == []


@pytest.mark.parametrize("strategy", ["discover", "private-dns-name", "instance-id", "tag:Name"])
def test_a_provider_id_of_another_instance_is_reported_and_never_forced(cluster: Bench, strategy: str) -> None:
    name = {"instance-id": "i-1", "tag:Name": "worker-7"}.get(strategy, DNS)
    cluster.policy(nodeName=strategy)
    cluster.join(name, provider_id="aws:///eu-west-1a/i-9")
    outcome = cluster.reconcile()
    assert [finding.code for finding in outcome.findings] == ["NodeMismatch"]
    assert cluster.node(name)["spec"]["providerID"] == "aws:///eu-west-1a/i-9"
    assert (cluster.taints(name), cluster.pools()) == (["spiderpool-aws/not-ready"], {})
    (event,) = cluster.events()
    assert (event["type"], event["reason"], event["involvedObject"]["uid"]) == (
        "Warning", "NodeMismatch", cluster.node(name)["metadata"]["uid"],
    )  # fmt: skip


def test_the_taint_stays_until_both_families_of_every_nic_have_their_pools(cluster: Bench) -> None:
    cluster.control.control = Control(build.policy(ipv6={"addresses": 3}))
    cluster.launch(enis=(build.eni(0), build.eni(1)))
    cluster.join(DNS)
    cluster.ec2.refuse[build.eni(1).eni_id] = Code.SUBNET_EXHAUSTED
    assert cluster.reconcile().status is Status.WAITING
    assert (cluster.taints(DNS), len(cluster.pools())) == (["spiderpool-aws/not-ready"], 2)
    assert cluster.events("PoolsReady") == []
    assert {event["reason"] for event in cluster.events()} == {"SubnetExhausted"}
    cluster.ec2.refuse.clear()
    # A full subnet is left alone for a minute.
    cluster.clock.ahead = timedelta(minutes=1)
    assert cluster.reconcile().status is Status.DONE
    assert (cluster.taints(DNS), len(cluster.pools())) == ([], 4)
    (ready,) = cluster.events("PoolsReady")
    assert all(name in ready["message"] for name in cluster.pools())


def test_a_converged_node_is_neither_written_nor_told_again(cluster: Bench) -> None:
    cluster.join(DNS)
    cluster.reconcile()
    before = (cluster.node(DNS), cluster.pools(), cluster.events())
    for _ in range(20):
        assert cluster.reconcile().writes == 0
    assert (cluster.node(DNS), cluster.pools(), cluster.events()) == before


def test_a_finding_redelivered_to_other_processes_makes_one_event(cluster: Bench) -> None:
    cluster.join(DNS)
    cluster.policy(ipv4={"addresses": 12})
    cluster.reconcile()
    for _ in range(3):
        another = Bench(cluster.server, cluster.ec2)
        another.policy(ipv4={"addresses": 12})
        another.reconcile()
    assert len(cluster.events("CapacityLimited")) == 1


def test_a_kubelet_that_adopts_a_dead_ones_node_finds_it_tainted_again(cluster: Bench) -> None:
    cluster.join(DNS, provider_id="aws:///eu-west-1a/i-dead", tainted=False)
    cluster.ec2.put(build.instance(instance_id="i-dead", **DEAD))
    for _ in range(3):
        assert cluster.reconcile().status is Status.WAITING
    assert cluster.taints(DNS) == ["spiderpool-aws/not-ready"]
    assert len(cluster.events("StartupTaintRestored")) == 1
    cluster.server.admin("DELETE", f"/api/v1/nodes/{DNS}")
    cluster.join(DNS)
    assert cluster.reconcile().status is Status.DONE
    assert cluster.taints(DNS) == []


def test_a_node_older_than_the_launch_is_not_believed(cluster: Bench) -> None:
    cluster.join(DNS, tainted=False)
    cluster.launch(launch_time=cluster.server.now() + timedelta(hours=1))
    assert [finding.code for finding in cluster.reconcile().findings] == ["NodeMismatch"]
    assert cluster.taints(DNS) == ["spiderpool-aws/not-ready"]


def run_pod(cluster: Bench, name: str, node: str) -> None:
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
    }  # fmt: skip
    cluster.server.admin("POST", "/api/v1/namespaces/default/pods", pod)


def pods(cluster: Bench) -> list[str]:
    return [item["metadata"]["name"] for item in cluster.server.admin("GET", "/api/v1/pods")["items"]]


def test_a_terminated_instance_takes_its_own_node_pods_and_pools_and_no_others(cluster: Bench) -> None:
    cluster.join(DNS)
    cluster.join("other", address="10.0.0.99")
    cluster.reconcile()
    for name, node in (("mine", DNS), ("theirs", "other")):
        run_pod(cluster, name, node)
    cluster.launch(**DEAD)
    cluster.reconcile()
    assert (cluster.nodes(), pods(cluster)) == (["other"], ["theirs"])
    assert len(cluster.events("NodeDeleted")) == 1


def test_an_instance_that_died_before_its_first_pool_takes_the_node_that_names_it(cluster: Bench) -> None:
    cluster.join(DNS, provider_id="aws:///eu-west-1a/i-1")
    cluster.join("other", address="10.0.0.99", provider_id="aws:///eu-west-1a/i-11")
    run_pod(cluster, "mine", DNS)
    cluster.launch(**DEAD)
    cluster.reconcile()
    assert (cluster.nodes(), pods(cluster)) == (["other"], [])
    assert cluster.reconcile().writes == 0


@pytest.mark.parametrize("provider_id", ["", "aws:///eu-west-1a/i-9"])
def test_a_node_that_is_not_proved_to_be_the_dead_ones_stays(cluster: Bench, provider_id: str) -> None:
    cluster.join(DNS)
    cluster.reconcile()
    cluster.server.admin("DELETE", f"/api/v1/nodes/{DNS}")
    cluster.join(DNS, provider_id=provider_id)
    cluster.launch(**DEAD)
    cluster.reconcile()
    assert cluster.nodes() == [DNS]
