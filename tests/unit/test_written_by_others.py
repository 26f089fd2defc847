"""Whatever others write into what we read, the pass goes on and the other nodes are served.

Through the adapter's parsing, the observation, the planner and both passes: of the schedule, and of the worker.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.adapters.ec2_parse import parse_spare
from spiderpool_aws.domain.cluster.pool import STATE_ANNOTATION, pool_manifest
from spiderpool_aws.domain.cluster.reservation import reservation_for, reservation_manifest
from spiderpool_aws.domain.instance import INDEX_TAG, INSTANCE_TAG, ORPHAN_TAG, Eni, InstanceState
from spiderpool_aws.domain.request import ReconcileRequest, Status
from spiderpool_aws.ports import InstanceListing
from tests.unit import build
from tests.unit.adapters.doubles import RecordingReporter, Reply, api_client
from tests.unit.fleet import Fleet
from tests.unit.world import SmallEc2

POLICY = build.policy(nics=1, ipv4={"addresses": 3}, ipv6={"addresses": 2}, nodeName="tag:Name")
MOMENTS = ["9999-12-31T23:59:59.999999+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
MOMENTS += ["2026-03-01T11:59:00+00:00", "2026-03-01T12:00:00", "2026-03-01T11:00:00+05:00", "2026-13-01"]
RANGES = ["10.0.0.20", "10.0.0.20-10.0.0.22", "10.0.0.30-10.0.0.9", "::-ffff::", "2001:db8:0:100::/64", "fe80::1%x"]
RANGES += ["2001:db8:0:100::-2001:db8:0:100:ffff:ffff:ffff:ffff", "0.0.0.0-255.255.255.255", "10.0.0.256", "-", ""]
NAMES = ["i-1", "i-2", "i-*", "*", "eni-1", "prod", "4", "6", "-1", "max", "9" * 300, "aws:///x/*", "a" * 300]
texts = st.one_of(st.sampled_from(MOMENTS + RANGES + NAMES), st.text(max_size=20), st.just("[" * 5_000))
values = st.recursive(
    # Half a surrogate pair comes through only inside of a text that is JSON itself: the API server replaces others.
    st.one_of(texts, st.just("\ud800"), st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
REMEMBERED = ["missing", "released", "surplus", "interrupted", "leaving", "detached", "absentSince", "absentConfirmed"]
memories = st.fixed_dictionaries({}, optional=dict.fromkeys([*REMEMBERED, "disabled", "nodeUid"], values))
dated = st.dictionaries(st.sampled_from(MOMENTS), st.lists(st.sampled_from(RANGES), max_size=2), max_size=2)
likely = st.fixed_dictionaries({}, optional={"missing": dated, "released": dated} | dict.fromkeys(
    REMEMBERED[3:], st.sampled_from(MOMENTS)))  # fmt: skip


@dataclass
class ListedSpares(SmallEc2):
    spares: dict[str, Sequence[Eni]] = field(default_factory=dict)

    def list_instances(self, cluster: str) -> InstanceListing:
        return replace(super().list_instances(cluster), spares=self.spares)

    def own_nics(self, instance_ids: Sequence[str], cluster: str) -> Mapping[str, Sequence[Eni]]:
        return {i: self.spares[i] for i in instance_ids if i in self.spares}

    def tag_nic(self, eni_id: str, tags: Mapping[str, str]) -> None:
        self.calls.append("tag")

    def delete_nic(self, eni_id: str, *, at_once: bool = False) -> None:
        self.calls.append("delete")


def read(what: str, *documents: dict[str, Any]) -> Sequence[Any]:
    """Return what the adapter makes of a listing."""
    client, _ = api_client(Reply(200, {"kind": "List", "metadata": {}, "items": list(documents)}))
    found: Sequence[Any] = getattr(ClusterAdapter(FixedCredentials(client), RecordingReporter()), what)()
    return found


class World(Fleet):
    """A node i-1 that is served and that others spoil, and a node i-2 that lacks everything."""

    def __init__(self) -> None:
        super().__init__(0, POLICY)
        self.listed = ListedSpares()
        self.ec2 = self.resync._ec2 = self.reconciler._ec2 = self.listed
        for observer in (self.resync._observer, self.reconciler._observer):
            observer._ec2 = self.ec2
        self.reconciler._runner._applier._ec2 = self.ec2
        self.join(1)
        self.work(["i-1"])
        self.join(2)

    def join(self, number: int) -> None:
        self.launch(number)
        known = self.ec2.known[f"i-{number}"]
        self.ec2.put(replace(known, tags={**known.tags, "Name": f"node-{number}"}))

    def spoil_pools(self, change: Any) -> None:
        documents = [pool_manifest(pool) for pool in self.cluster.pools.values()]
        for document in documents:
            change(document)
        self.cluster.pools = {pool.name: pool for pool in read("list_pools", *documents)}

    def others_are_served(self) -> None:
        answer = self.run()
        assert answer["done"], answer
        assert "i-2" in self.enqueued()
        requests = [ReconcileRequest(i, "event", "test") for i in ("i-1", "i-2")]
        outcomes = self.reconciler.reconcile([*requests, *self.queue.sent])
        assert outcomes["i-2"].status is not Status.FAILED, outcomes["i-2"].reason
        json.dumps(self.run(dry_run=True), ensure_ascii=False).encode()


often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@often
@given(st.one_of(texts, st.one_of(memories, likely).map(json.dumps)))
def test_whatever_a_pools_annotation_says(text: str) -> None:
    world = World()
    world.spoil_pools(lambda pool: pool["metadata"].update(annotations={STATE_ANNOTATION: text}))
    world.others_are_served()


@often
@given(st.sampled_from(["cluster", "instance", "eni", "attachment", "family"]), texts)
@example("family", "6")
@example("cluster", "staging")
def test_whatever_a_pools_labels_say(label: str, text: str) -> None:
    world = World()
    spoiled: list[dict[str, Any]] = []

    def change(pool: dict[str, Any]) -> None:
        # One of the two: the other one says that the cluster is ours.
        if not spoiled:
            spoiled.append(pool)
            pool["metadata"]["labels"][f"spiderpool-aws/{label}"] = text

    world.spoil_pools(change)
    world.others_are_served()


@often
@given(
    st.sampled_from(["ips", "excludeIPs", "nodeName", "multusName"]),
    st.one_of(st.lists(texts, max_size=3), st.lists(st.sampled_from(RANGES), max_size=3)),
)
def test_whatever_a_pools_lists_hold(key: str, given_texts: list[str]) -> None:
    world = World()
    world.spoil_pools(lambda pool: pool["spec"].update({key: given_texts}))
    world.others_are_served()


@often
@given(st.sampled_from(["subnet", "gateway"]), texts)
def test_whatever_a_pools_texts_say(key: str, text: str) -> None:
    world = World()
    world.spoil_pools(lambda pool: pool["spec"].update({key: text}))
    world.others_are_served()


@often
@given(st.one_of(texts, values.map(json.dumps), st.dictionaries(st.sampled_from(RANGES), values).map(json.dumps)))
def test_whatever_a_pool_says_of_its_pods(text: str) -> None:
    world = World()
    world.spoil_pools(lambda pool: pool.update(status={"allocatedIPs": text}))
    world.others_are_served()


@often
@given(st.sampled_from(["instance", "eni", "attachment", "family"]), texts, st.lists(st.sampled_from(RANGES)))
@example("family", "6", ["2001:db8:0:100::1"])
def test_whatever_a_reservation_says(label: str, text: str, ips: list[str]) -> None:
    world = World()
    pool = next(iter(world.cluster.pools.values()))
    document = reservation_manifest(reservation_for(pool, pool.spec.ips))
    document["metadata"]["labels"][f"spiderpool-aws/{label}"] = text
    document["spec"]["ips"] = ips
    world.cluster.reservations = {known.name: known for known in read("list_reservations", document)}
    world.others_are_served()


@often
@given(texts, st.lists(texts, max_size=3), st.sampled_from([InstanceState.RUNNING, InstanceState.TERMINATED]))
@example("", ["::x"], InstanceState.RUNNING)
def test_whatever_a_node_says(provider_id: str, addresses: list[str], state: InstanceState) -> None:
    world = World()
    known = world.cluster.nodes["node-1"]
    document = {
        "metadata": {"name": known.name, "uid": known.uid, "creationTimestamp": known.created.isoformat()},
        "spec": {"providerID": provider_id},
        "status": {"addresses": [{"type": "InternalIP", "address": address} for address in addresses]},
    }
    (world.cluster.nodes["node-1"],) = read("list_nodes", document)
    world.ec2.put(replace(world.ec2.known["i-1"], state=state))
    world.others_are_served()


@often
@given(st.sampled_from(["Name", "spiderpool-aws/0/ipv4", "spiderpool-aws/0/ipv6", "spiderpool-aws/managed"]), texts)
def test_whatever_an_instances_tags_say(key: str, text: str) -> None:
    world = World()
    known = world.ec2.known["i-1"]
    world.ec2.put(replace(known, tags={**known.tags, key: text}))
    world.others_are_served()


@often
@given(st.sampled_from([INSTANCE_TAG, INDEX_TAG, ORPHAN_TAG]), texts)
def test_whatever_a_spare_nics_tags_say(key: str, text: str) -> None:
    world = World()
    tags = {"spiderpool-aws/cluster": "prod", INSTANCE_TAG: "i-1", INDEX_TAG: "1", key: text}
    document: Any = {"NetworkInterfaceId": "eni-9", "TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}
    spare = parse_spare(document, "prod")
    if spare is not None:
        world.listed.spares = {spare.tags[INSTANCE_TAG]: (spare,)}
    world.others_are_served()
