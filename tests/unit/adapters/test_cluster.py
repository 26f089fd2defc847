from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.cluster_api import LISTINGS, PAGE
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.errors import Refused, RetryLater
from tests.unit.adapters.doubles import RecordingReporter, RecordingRest, Reply, api_client, status
from tests.unit.adapters.pools import pool

POOLS = "/apis/spiderpool.spidernet.io/v2beta1/spiderippools"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POOL = pool("pool-a", "10.0.0.11")


def connect(*replies: Reply | Exception) -> tuple[ClusterAdapter, RecordingRest, RecordingReporter]:
    client, rest = api_client(*replies)
    reporter = RecordingReporter()
    return ClusterAdapter(FixedCredentials(client), reporter), rest, reporter


def pool_document(name: str = "pool-a", **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "metadata": {"name": name, "uid": f"uid-of-{name}", "labels": {}},
        "spec": {"subnet": "10.0.0.0/24", "ipVersion": 4, "ips": ["10.0.0.11"]},
    }
    return document | changes


def page(*documents: dict[str, Any], token: str = "") -> Reply:
    metadata = {"continue": token} if token else {}
    return Reply(200, {"kind": "SpiderIPPoolList", "metadata": metadata, "items": list(documents)})


def node_document(uid: str = "u", version: str = "1", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "n",
            "uid": uid,
            "resourceVersion": version,
            "creationTimestamp": "2026-03-01T12:00:00Z",
        },
        "spec": spec,
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.10"}, {"type": "Hostname", "address": "n"}]},
    }


CHANGED = status(409, "the object has been modified; please apply your changes to the latest version", "Conflict")


def test_a_listing_comes_in_pages_of_500() -> None:
    cluster, rest, _ = connect(page(pool_document("a"), token="next"), page(pool_document("b")))
    assert [pool.name for pool in cluster.list_pools()] == ["a", "b"]
    assert [sent.query for sent in rest.sent] == [
        {"limit": str(PAGE)},
        {"limit": str(PAGE), "continue": "next"},
    ]
    assert rest.sent[0].path == POOLS
    assert rest.sent[0].authorization == "Bearer t"


def test_a_listing_whose_token_expired_is_begun_anew_and_lists_nothing_twice() -> None:
    gone = status(410, "The provided continue parameter is too old", "Expired")
    cluster, rest, _ = connect(page(pool_document("a"), token="t"), gone, page(pool_document("a"), pool_document("b")))
    assert [pool.name for pool in cluster.list_pools()] == ["a", "b"]
    assert "continue" not in rest.sent[2].query


def test_a_listing_that_never_ends_is_given_up() -> None:
    gone = status(410, "too old", "Expired")
    cluster, rest, _ = connect(*[gone] * LISTINGS)
    with pytest.raises(RetryLater, match="410"):
        cluster.list_pools()
    assert len(rest.sent) == LISTINGS


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"spec": {}}, id="no subnet"),
        pytest.param({"spec": {"subnet": "10.0.0.0/24", "ipVersion": 5}}, id="no IP version"),
    ],
)
def test_a_pool_that_cannot_be_read_is_passed_over_and_reported(broken: dict[str, Any]) -> None:
    cluster, _, reporter = connect(page(pool_document("bad", **broken), pool_document("good")))
    assert [pool.name for pool in cluster.list_pools()] == ["good"]
    assert "spiderippools bad is passed over" in reporter.warnings[0]
    assert reporter.counts == {"UnreadableObjects": 1}


def test_a_pool_of_which_some_cannot_be_read_counts_with_the_rest_and_is_reported() -> None:
    spec = {"subnet": "10.0.0.0/24", "ips": ["10.0.0.11", "10.0.0.x"]}
    cluster, _, reporter = connect(page(pool_document("odd", spec=spec), pool_document("good")))
    assert [pool.spec.ips.to_ranges() for pool in cluster.list_pools()] == [["10.0.0.11"], ["10.0.0.11"]]
    assert reporter.warnings == ["spiderippools odd cannot be read as a whole: mend or delete it"]
    assert reporter.counts == {"UnreadableObjects": 1}


def test_an_internal_ip_that_is_no_address_is_none() -> None:
    document = node_document()
    document["status"]["addresses"] += [{"type": "InternalIP", "address": a} for a in ("::x", "", "2001:db8::1")]
    cluster, _, _ = connect(page(document))
    assert [node.internal_ips for node in cluster.list_nodes()] == [("10.0.0.10", "2001:db8::1")]


def test_a_create_takes_no_field_from_anybody() -> None:
    cluster, rest, _ = connect(Reply(201, pool_document()))
    assert cluster.apply_pool(POOL).uid == "uid-of-pool-a"
    [sent] = rest.sent
    assert (sent.method, sent.path) == ("PATCH", f"{POOLS}/pool-a")
    assert sent.content_type == "application/apply-patch+yaml"
    assert sent.query == {"fieldManager": "spiderpool-aws"}
    assert "uid" not in sent.body["metadata"]
    assert sent.body["metadata"]["resourceVersion"] == "1"


def test_a_write_of_a_known_pool_takes_our_fields_back() -> None:
    cluster, rest, _ = connect(Reply(200, pool_document()))
    cluster.apply_pool(replace(POOL, uid="u"))
    assert rest.sent[0].query == {"fieldManager": "spiderpool-aws", "force": "true"}
    assert rest.sent[0].body["metadata"]["uid"] == "u"


def test_a_multus_config_is_applied_in_its_namespace() -> None:
    document = {
        "metadata": {"name": "ipvlan-ens5", "namespace": "kube-system", "uid": "u", "labels": {}},
        "spec": {"cniType": "ipvlan", "ipvlan": {"master": ["ens5"]}},
    }
    cluster, rest, _ = connect(Reply(201, document))
    assert cluster.apply_multus(MultusConfig("kube-system", "ipvlan-ens5", "ens5"), "prod").master == "ens5"
    assert "/namespaces/kube-system/spidermultusconfigs/ipvlan-ens5" in rest.sent[0].path
    assert "force" not in rest.sent[0].query


def test_a_network_of_ours_is_mended_whole_and_by_its_uid() -> None:
    document = {"metadata": {"name": "b", "namespace": "a", "uid": "u"}, "spec": {}}
    cluster, rest, _ = connect(Reply(200, document))
    cluster.apply_multus(MultusConfig("a", "b", "ens5", uid="u"), "prod")
    [sent] = rest.sent
    assert sent.content_type == "application/merge-patch+json"
    assert (sent.body["metadata"]["uid"], sent.body["spec"]["macvlan"]) == ("u", None)
    assert "/namespaces/a/" in sent.path


def test_a_delete_names_the_uid() -> None:
    cluster, rest, _ = connect(Reply(200, pool_document()))
    cluster.delete_pool(replace(POOL, uid="u"))
    assert rest.sent[0].method == "DELETE"
    assert rest.sent[0].body["preconditions"] == {"uid": "u"}


def test_a_delete_of_what_is_gone_is_success() -> None:
    cluster, _, _ = connect(status(404, "not found", "NotFound"))
    cluster.delete_pool(replace(POOL, uid="u"))


def test_another_pool_of_the_name_is_not_deleted() -> None:
    cluster, _, _ = connect(status(409, "Precondition failed: UID in precondition: u", "Conflict"))
    with pytest.raises(Refused) as caught:
        cluster.delete_pool(replace(POOL, uid="u"))
    assert caught.value.code == "Conflict"


def test_another_node_or_pod_of_the_name_is_left_alone() -> None:
    conflict = status(409, "Precondition failed: UID in precondition: u", "Conflict")
    cluster, _, _ = connect(conflict, conflict)
    cluster.delete_node("n", "u")
    cluster.delete_pod(PodRef("ns", "p", "u", NOW))


def test_a_pod_is_deleted_with_grace_0() -> None:
    cluster, rest, _ = connect(Reply(200, {}))
    cluster.delete_pod(PodRef("ns", "p", "u", NOW))
    assert rest.sent[0].path == "/api/v1/namespaces/ns/pods/p"
    assert rest.sent[0].body["gracePeriodSeconds"] == 0


def test_pods_are_listed_by_the_node_they_are_bound_to() -> None:
    metadata = {"namespace": "ns", "name": "p", "uid": "u", "creationTimestamp": "2026-03-01T12:00:00Z"}
    cluster, rest, _ = connect(page({"metadata": metadata}))
    assert cluster.list_pods("n") == [PodRef("ns", "p", "u", NOW)]
    assert rest.sent[0].query["fieldSelector"] == "spec.nodeName=n"


def test_a_pod_is_as_old_as_its_place_on_the_node() -> None:
    metadata = {"namespace": "ns", "name": "p", "uid": "u", "creationTimestamp": "2026-03-01T09:00:00Z"}
    waiting = {"type": "PodScheduled", "status": "False", "lastTransitionTime": "2026-03-01T09:00:00Z"}
    bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-03-01T12:00:00Z"}
    pods = [{"metadata": metadata, "status": {"conditions": [c]}} for c in (waiting, bound)]
    cluster, _, _ = connect(page(*pods))
    assert [pod.created.hour for pod in cluster.list_pods("n")] == [9, 12]


def test_every_page_of_a_nodes_pods_is_asked_for_with_its_selector() -> None:
    cluster, rest, _ = connect(page(token="a"), page(token="b"), page())
    assert cluster.list_pods("n") == []
    assert [sent.query["fieldSelector"] for sent in rest.sent] == ["spec.nodeName=n"] * 3


def test_a_node_that_is_not_there_is_none() -> None:
    cluster, _, _ = connect(status(404, "not found", "NotFound"))
    assert cluster.get_node("n") is None


def test_a_node_is_read_with_its_internal_addresses_and_taints() -> None:
    cluster, _, _ = connect(Reply(200, node_document(taints=[{"key": "a", "effect": "NoSchedule"}])))
    node = cluster.get_node("n")
    assert node is not None
    assert (node.internal_ips, node.taints, node.created, node.provider_id) == (("10.0.0.10",), ("a",), NOW, "")


def test_the_provider_id_is_set_on_the_version_that_was_read() -> None:
    cluster, rest, _ = connect(Reply(200, node_document(version="7")), Reply(200, node_document()))
    cluster.prepare_node("n", "u", provider_id="aws:///a/i-1")
    assert rest.sent[1].content_type == "application/merge-patch+json"
    assert rest.sent[1].body == {
        "metadata": {"uid": "u", "resourceVersion": "7"},
        "spec": {"providerID": "aws:///a/i-1"},
    }


def test_a_provider_id_that_is_set_already_is_not_written() -> None:
    cluster, rest, _ = connect(Reply(200, node_document(providerID="aws:///a/i-1")))
    cluster.prepare_node("n", "u", provider_id="aws:///a/i-1")
    assert len(rest.sent) == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(200, node_document(providerID="aws:///a/i-2")), id="another instance's"),
        pytest.param(Reply(200, node_document(uid="other")), id="another node of the name"),
        pytest.param(status(404, "not found", "NotFound"), id="no node any more"),
    ],
)
def test_the_provider_id_of_another_node_is_refused(reply: Reply) -> None:
    cluster, rest, _ = connect(reply)
    with pytest.raises(Refused) as caught:
        cluster.prepare_node("n", "u", provider_id="aws:///a/i-1")
    assert caught.value.code == "Conflict"
    assert len(rest.sent) == 1


def test_a_taint_added_meanwhile_is_not_lost() -> None:
    ours = [{"key": "ours", "effect": "NoSchedule"}, {"key": "ours", "effect": "NoExecute"}]
    theirs = {"key": "theirs", "effect": "NoSchedule"}
    cluster, rest, _ = connect(
        Reply(200, node_document(version="1", taints=ours)),
        CHANGED,
        Reply(200, node_document(version="2", taints=[*ours, theirs])),
        Reply(200, node_document()),
    )
    cluster.prepare_node("n", "u", taint="ours")
    assert rest.sent[1].body["spec"] == {"taints": None}
    assert rest.sent[3].body == {"metadata": {"uid": "u", "resourceVersion": "2"}, "spec": {"taints": [theirs]}}


def test_a_node_that_keeps_changing_is_left_for_later() -> None:
    read = Reply(200, node_document(taints=[{"key": "ours"}]))
    cluster, _, _ = connect(*[read, CHANGED] * 3)
    with pytest.raises(RetryLater, match="changed by others"):
        cluster.prepare_node("n", "u", taint="ours")
