"""Hand-made pools are taken over in place: whole or not at all, and nothing of anybody else's is lost."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.adopting import Adopted, Adopter
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.request import Status
from spiderpool_aws.ports import Systems
from tests.integration.reconciling import MERGE, POOLS, Bench, Json, ServerUnderTest
from tests.unit import build
from tests.unit.world import SmallScaling

FIRST, SECOND = "worker-7-ens5", "worker-8-ens5"
USERS: Json = {
    "namespaceAffinity": {"matchLabels": {"team": "a"}},
    "podAffinity": {"matchLabels": {"app": "web"}},
    "routes": [{"dst": "10.9.0.0/16", "gw": "10.0.0.1"}],
    "excludeIPs": ["10.0.0.21"],
}


class World:
    """Two nodes with addresses that somebody assigned by hand, and their hand-made pools."""

    def __init__(self, server: ServerUnderTest) -> None:
        self.bench = Bench(server)
        self.server = server
        self.bench.launch(enis=(build.eni(0, ipv4=build.v4("10.0.0.20-10.0.0.24")),))
        other = build.eni(0, eni_id="eni-00000000000000008", attachment_id="eni-attach-8", primary_ipv4="10.0.0.11")
        other = replace(other, ipv4=build.v4("10.0.0.30-10.0.0.34"))
        self.bench.launch(instance_id="i-2", private_ipv4="10.0.0.11", private_dns_name="node-2", enis=(other,))
        self.bench.join("node-1", provider_id="aws:///eu-west-1a/i-1", tainted=False)
        self.bench.join("node-2", address="10.0.0.11", provider_id="aws:///eu-west-1a/i-2", tainted=False)
        self.make(FIRST, "node-1", "10.0.0.20-10.0.0.26")
        self.make(SECOND, "node-2", "10.0.0.30-10.0.0.34")
        systems = Systems(self.bench.ec2, self.bench.adapter, SmallScaling())
        self.adopter = Adopter(systems, self.bench.clock)
        self.policy = build.policy(nics=1)

    def make(self, name: str, node: str, *ips: str, **spec: Any) -> Json:
        fields = {"subnet": "10.0.0.0/24", "ips": list(ips), "gateway": "10.0.0.1", "default": True,
                  "nodeName": [node], "multusName": ["kube-system/ipvlan-ens5"]}  # fmt: skip
        pool = {"apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderIPPool",
                "metadata": {"name": name}, "spec": fields | spec}  # fmt: skip
        return self.server.admin("POST", POOLS, pool)

    def pool(self, name: str) -> Json:
        return self.server.admin("GET", f"{POOLS}/{name}")

    def edit(self, name: str, **fields: Any) -> None:
        self.server.admin("PATCH", f"{POOLS}/{name}", {"spec": fields}, MERGE)

    def use(self, name: str, *addresses: str) -> None:
        records = ", ".join(f'"{address}": {{"pod": "shop/web", "podUid": "1"}}' for address in addresses)
        status = {"status": {"allocatedIPs": f"{{{records}}}"}}
        self.server.admin("PATCH", f"{POOLS}/{name}/status", status, MERGE)

    def adopt(self) -> list[Adopted]:
        return list(self.adopter.adopt(self.adopter.plan(self.policy)))

    def is_ours(self, name: str) -> bool:
        return self.bench.pools()[name].identity is not None


@pytest.fixture
def world(server: ServerUnderTest) -> World:
    return World(server)


def test_pools_are_adopted_in_place_and_the_reconciler_then_finds_nothing_to_write(world: World) -> None:
    before = world.pool(FIRST)
    world.use(FIRST, "10.0.0.20", "10.0.0.23")
    assert [outcome.refusal for outcome in world.adopt()] == ["", ""]
    after = world.pool(FIRST)
    assert (after["metadata"]["uid"], after["spec"]["ips"]) == (before["metadata"]["uid"], ["10.0.0.20-10.0.0.24"])
    assert after["spec"] == before["spec"] | {"ips": ["10.0.0.20-10.0.0.24"]}
    assert set(world.bench.pools()[FIRST].allocated) == {"10.0.0.20", "10.0.0.23"}
    for instance_id in ("i-1", "i-2"):
        world.bench.reconcile(instance_id)
        outcome = world.bench.reconcile(instance_id)
        assert (outcome.status, outcome.writes, outcome.findings) == (Status.DONE, 0, ())
    assert sorted(world.bench.pools()) == [FIRST, SECOND]
    assert world.adopter.plan(world.policy).adoptions == ()


def test_a_plan_alone_writes_nothing(world: World) -> None:
    before = [world.pool(name) for name in (FIRST, SECOND)]
    plan = world.adopter.plan(world.policy)
    assert [adoption.name for adoption in plan.ready] == [FIRST, SECOND]
    assert [world.pool(name) for name in (FIRST, SECOND)] == before


def test_what_others_have_set_survives(world: World) -> None:
    world.edit(FIRST, **USERS)
    labels = {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}}}
    world.server.admin("PATCH", f"{POOLS}/{FIRST}", labels, MERGE)
    world.adopt()
    world.bench.reconcile()
    after = world.pool(FIRST)
    assert {key: after["spec"][key] for key in USERS} == USERS
    assert (after["metadata"]["labels"]["team"], after["metadata"]["annotations"]["note"]) == ("a", "b")
    assert world.is_ours(FIRST)


def test_a_pool_that_somebody_wrote_since_the_plan_is_refused_and_the_others_are_adopted(world: World) -> None:
    plan = world.adopter.plan(world.policy)
    world.edit(FIRST, ips=["10.0.0.20-10.0.0.22"])
    changed = world.pool(FIRST)
    outcomes = list(world.adopter.adopt(plan))
    assert [(outcome.adoption.name, bool(outcome.refusal)) for outcome in outcomes] == [(FIRST, True), (SECOND, False)]
    assert "was changed since it was read: look at the plan again" in outcomes[0].refusal
    assert world.pool(FIRST) == changed
    assert [outcome.refusal for outcome in world.adopt()] == [""]
    assert world.pool(FIRST)["spec"]["ips"] == ["10.0.0.20-10.0.0.22"]


def test_a_pool_that_is_gone_since_the_plan_is_not_made_again(world: World) -> None:
    plan = world.adopter.plan(world.policy)
    world.server.admin("DELETE", f"{POOLS}/{SECOND}")
    outcomes = list(world.adopter.adopt(plan))
    assert [bool(outcome.refusal) for outcome in outcomes] == [False, True]
    assert SECOND not in {name for name, pool in world.bench.pools().items() if not pool.terminating}


def test_a_pod_that_got_an_address_since_the_plan_does_not_hinder_and_keeps_it(world: World) -> None:
    plan = world.adopter.plan(world.policy)
    world.use(FIRST, "10.0.0.22")
    assert [outcome.refusal for outcome in world.adopter.adopt(plan)] == ["", ""]
    assert set(world.bench.pools()[FIRST].allocated) == {"10.0.0.22"}


def test_a_pod_that_got_an_address_that_would_leave_refuses_the_adoption(world: World) -> None:
    plan = world.adopter.plan(world.policy)
    world.use(FIRST, "10.0.0.26")
    outcomes = list(world.adopter.adopt(plan))
    assert [bool(outcome.refusal) for outcome in outcomes] == [True, False]
    assert not world.is_ours(FIRST)
    (refused,) = world.adopter.plan(world.policy).refused
    assert "shop/web uses 10.0.0.26" in refused.problems[0]


def test_a_nic_that_changed_since_the_plan_refuses_the_adoption(world: World) -> None:
    plan = world.adopter.plan(world.policy)
    eni = world.bench.ec2.eni(build.eni(0).eni_id)
    world.bench.ec2.change_eni(eni.without(build.v4("10.0.0.20"), ()))
    outcomes = list(world.adopter.adopt(plan))
    assert [bool(outcome.refusal) for outcome in outcomes] == [True, False]
    assert not world.is_ours(FIRST)


def test_stopped_between_two_adoptions_the_next_run_goes_on_with_the_rest(world: World) -> None:
    adopting = world.adopter.adopt(world.adopter.plan(world.policy))
    assert next(adopting).adoption.name == FIRST
    assert (world.is_ours(FIRST), world.is_ours(SECOND)) == (True, False)
    assert [outcome.adoption.name for outcome in world.adopt()] == [SECOND]
    assert world.is_ours(SECOND)


def test_without_the_right_to_write_nothing_more_is_tried(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(_: object) -> None:
        raise Refused("patch is not permitted", Code.FORBIDDEN)

    monkeypatch.setattr(world.bench.adapter, "note_pool", deny)
    assert [outcome.refusal for outcome in world.adopt()] == ["patch is not permitted"]


def test_a_pool_that_never_stands_still_is_left_for_another_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def conflict(_: object) -> None:
        raise Refused("changed", Code.CONFLICT)

    monkeypatch.setattr(world.bench.adapter, "note_pool", conflict)
    with pytest.raises(RetryLater, match="all the time"):
        world.adopt()


def test_a_name_that_is_no_pools_and_a_cluster_without_instances_are_told(world: World) -> None:
    with pytest.raises(Refused, match="there is no SpiderIPPool none"):
        world.adopter.plan(world.policy, frozenset({"none", FIRST}))
    with pytest.raises(Refused, match="EC2 lists no instance with the tag spiderpool-aws/cluster=staging"):
        world.adopter.plan(build.policy(nics=1, cluster="staging"))


def test_pools_of_another_cluster_refuse_everything(world: World) -> None:
    world.adopt()
    with pytest.raises(Refused, match="prod"):
        world.adopter.plan(build.policy(nics=1, cluster="staging"))


def test_who_holds_what_a_pool_lists_beside_is_asked_of_ec2(world: World) -> None:
    stranger = build.eni(0, eni_id="eni-lb", primary_ipv4="10.0.0.99", ipv4=build.v4("10.0.0.26"))
    world.bench.launch(instance_id="i-9", tags={}, enis=(stranger,))
    plan = world.adopter.plan(world.policy)
    assert [adoption.name for adoption in plan.ready] == [SECOND]
    assert "10.0.0.26 is held by eni-lb" in plan.refused[0].problems[0]


def test_who_loses_fields_is_read_from_the_pools_own_record(world: World) -> None:
    plan = world.adopter.plan(world.policy)
    (note,) = plan.ready[0].notes
    assert note.endswith("loses ips to spiderpool-aws")
    assert plan.ready[1].notes == ()
