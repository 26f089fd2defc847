"""Who owns which field: users' fields survive, ours come back and an Event says so, what is foreign is not touched."""

from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.request import Status
from tests.integration.reconciling import MERGE, NETWORKS, POOLS, SPIDERPOOL, Bench, Json, ServerUnderTest

DNS = "ip-10-0-0-10.eu-west-1.compute.internal"
POOL = f"{DNS}-ens5-v4-00000000"
USERS: Json = {
    "namespaceAffinity": {"matchLabels": {"team": "a"}},
    "podAffinity": {"matchLabels": {"app": "web"}},
    "routes": [{"dst": "10.9.0.0/16", "gw": "10.0.0.1"}],
    "excludeIPs": ["10.0.0.21"],
}


@pytest.fixture
def cluster(server: ServerUnderTest) -> Bench:
    made = Bench(server)
    made.join(DNS)
    return made


def spec(cluster: Bench) -> Json:
    found: Json = cluster.server.admin("GET", f"{POOLS}/{POOL}")["spec"]
    return found


def edit(cluster: Bench, **fields: Any) -> None:
    cluster.server.admin("PATCH", f"{POOLS}/{POOL}", {"spec": fields}, MERGE)


def test_a_users_extra_fields_survive_whatever_we_write(cluster: Bench) -> None:
    cluster.reconcile()
    edit(cluster, **USERS)
    assert cluster.reconcile().writes == 0
    edit(cluster, nodeName=["elsewhere"])
    cluster.policy(ipv4={"addresses": 7})
    cluster.reconcile()
    now = spec(cluster)
    assert {key: now[key] for key in USERS} == USERS
    assert (now["nodeName"], now["ips"]) == ([DNS], ["10.0.0.20-10.0.0.26"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nodeName", ["elsewhere"]),
        ("nodeName", None),
        ("multusName", ["kube-system/other"]),
        ("default", False),
        ("gateway", "10.0.0.2"),
        ("gateway", None),
        ("ips", ["10.0.0.20-10.0.0.22"]),
    ],
)
def test_a_users_change_of_a_field_of_ours_is_set_back_and_told(cluster: Bench, field: str, value: Any) -> None:
    cluster.reconcile()
    before = spec(cluster)
    edit(cluster, **{field: value})
    assert cluster.reconcile().status is Status.DONE
    assert spec(cluster) == before
    (event,) = cluster.events("FieldCorrected")
    assert event["type"] == "Normal"
    assert f"pool {POOL}: somebody changed it: {field} was " in event["message"]
    assert cluster.reconcile().writes == 0
    assert len(cluster.events()) == 2


def test_who_changed_a_field_of_ours_is_seen_until_it_is_ours_again(cluster: Bench) -> None:
    cluster.reconcile()
    assert cluster.pools()[POOL].taken == frozenset()
    edit(cluster, gateway=None, ips=["10.0.0.20"], **USERS)
    assert cluster.pools()[POOL].taken == {"gateway", "ips"}
    cluster.reconcile()
    assert cluster.pools()[POOL].taken == frozenset()


def test_an_address_that_a_user_adds_leaves_the_pool_at_the_second_look_and_is_told(cluster: Bench) -> None:
    cluster.reconcile()
    edit(cluster, ips=["10.0.0.20-10.0.0.24", "10.0.0.77"])
    assert cluster.reconcile().status is Status.WAITING
    cluster.clock.ahead = timedelta(seconds=31)
    assert cluster.reconcile().status is Status.DONE
    assert spec(cluster)["ips"] == ["10.0.0.20-10.0.0.24"]
    (event,) = cluster.events("AddressesDropped")
    assert "10.0.0.77" in event["message"]


def test_a_change_of_the_policy_is_not_called_somebodys(cluster: Bench) -> None:
    cluster.reconcile()
    cluster.policy(ipv4={"addresses": 7}, pools={"default": False})
    assert cluster.reconcile().writes > 0
    assert [event["reason"] for event in cluster.events()] == ["PoolsReady"]


def test_a_pool_of_our_name_that_is_not_ours_is_never_touched(cluster: Bench) -> None:
    foreign = {
        "apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderIPPool", "metadata": {"name": POOL},
        "spec": {"subnet": "10.0.0.0/24", "ips": ["10.0.0.200"]},
    }  # fmt: skip
    stored = cluster.server.admin("POST", POOLS, foreign)
    outcome = cluster.reconcile()
    assert [finding.code for finding in outcome.findings] == ["ForeignPool"]
    assert cluster.server.admin("GET", f"{POOLS}/{POOL}") == stored
    assert cluster.taints(DNS) == ["spiderpool-aws/not-ready"]
    assert len(cluster.events("ForeignPool")) == 1


def network(**changes: Any) -> Json:
    return {
        "apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderMultusConfig",
        "metadata": {"name": "ipvlan-ens5", "namespace": "kube-system"}, "spec": changes,
    }  # fmt: skip


def test_what_appears_after_the_listing_is_not_joined_even_when_it_is_what_we_would_write(
    cluster: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = {
        "apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderIPPool", "metadata": {"name": POOL},
        "spec": {
            "subnet": "10.0.0.0/24", "ipVersion": 4, "ips": ["10.0.0.20-10.0.0.24"], "gateway": "10.0.0.1",
            "nodeName": [DNS], "multusName": ["kube-system/ipvlan-ens5"], "default": True,
        },
    }  # fmt: skip
    stored = {
        f"{POOLS}/{POOL}": cluster.server.admin("POST", POOLS, pool),
        f"{NETWORKS}/ipvlan-ens5": cluster.server.admin(
            "POST", NETWORKS, network(cniType="ipvlan", ipvlan={"master": ["ens5"]})
        ),
    }
    with monkeypatch.context() as early:
        early.setattr(cluster.adapter, "list_pools", list)
        early.setattr(cluster.adapter, "list_multus", dict)
        outcome = cluster.reconcile()
    assert outcome.status is Status.WAITING
    assert [finding.code for finding in outcome.findings] == ["Conflict", "Conflict"]
    assert {path: cluster.server.admin("GET", path) for path in stored} == stored
    assert {event["reason"] for event in cluster.events()} == {"PoolRefused", "NetworkRefused"}
    assert [finding.code for finding in cluster.reconcile().findings] == ["ForeignPool"]


def stored_network(cluster: Bench) -> Json:
    return cluster.server.admin("GET", f"{NETWORKS}/ipvlan-ens5")


def test_a_network_is_made_once_and_made_again_when_somebody_deletes_it(cluster: Bench) -> None:
    cluster.reconcile()
    first = stored_network(cluster)
    cluster.reconcile()
    assert stored_network(cluster) == first
    cluster.server.admin("DELETE", f"{NETWORKS}/ipvlan-ens5")
    cluster.reconcile()
    assert stored_network(cluster)["spec"]["ipvlan"]["master"] == ["ens5"]
    assert len(cluster.server.admin("GET", f"{SPIDERPOOL}/spidermultusconfigs")["items"]) == 1


@pytest.mark.parametrize(
    "drift",
    [
        pytest.param({"ipvlan": {"master": ["eth9"]}}, id="master"),
        pytest.param({"cniType": "macvlan", "macvlan": {"master": ["ens5"]}, "ipvlan": None}, id="cniType"),
    ],
)
def test_a_network_of_ours_that_somebody_changed_is_set_back_and_told(cluster: Bench, drift: Json) -> None:
    cluster.reconcile()
    extra = {"coordinator": {"podRPFilter": 2}}
    cluster.server.admin("PATCH", f"{NETWORKS}/ipvlan-ens5", {"spec": drift | extra}, MERGE)
    assert cluster.reconcile().status is Status.DONE
    now = stored_network(cluster)["spec"]
    assert (now["cniType"], now["ipvlan"]["master"], "macvlan" in now) == ("ipvlan", ["ens5"], False)
    assert now["coordinator"]["podRPFilter"] == 2
    (event,) = cluster.events("NetworkChanged")
    assert "SpiderMultusConfig kube-system/ipvlan-ens5 changed: it was " in event["message"]
    assert cluster.reconcile().writes == 0


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        pytest.param({"cniType": "ipvlan", "ipvlan": {"master": ["ens5"]}}, [], id="a right one is used"),
        pytest.param(
            {"cniType": "macvlan", "macvlan": {"master": ["ens5"]}}, ["ForeignMultusConfig"], id="another is refused"
        ),
    ],
)
def test_a_network_of_somebody_else_is_never_touched(cluster: Bench, fields: Json, codes: list[str]) -> None:
    stored = cluster.server.admin("POST", NETWORKS, network(**fields))
    assert [finding.code for finding in cluster.reconcile().findings] == codes
    assert stored_network(cluster) == stored
    assert [event["reason"] for event in cluster.events(*codes)] == (codes or ["PoolsReady"])
