"""A policy that takes away: nobody carries it out before a listing was judged, and one confirmation is enough."""

from dataclasses import replace
from typing import Any

import pytest

from spiderpool_aws.domain.addresses import EMPTY
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.ports import InstanceListing
from tests.unit import build
from tests.unit.build import V4
from tests.unit.fleet import Fleet

EIGHT = build.policy(nics=1, ipv4={"addresses": 8})
THREE = build.policy(nics=1, ipv4={"addresses": 3})
ELASTIC = build.policy(nics=1, ipv4={"addresses": {"min": 1, "warm": 2, "max": 9}})
PREFIX = build.policy(nics=1, ipv4={"prefixes": 1})
NODES = 7
ALL = [f"i-{number}" for number in range(NODES)]


def changed(fleet: Fleet, policy: Policy) -> None:
    fleet.control.control = replace(fleet.control.control, policy=policy)


def lowered(policy: Policy, nodes: int = NODES) -> Fleet:
    """Return a fleet of so many nodes that hold eight addresses each, under another policy since a moment ago."""
    fleet = Fleet(nodes, EIGHT)
    changed(fleet, policy)
    return fleet


def listed(fleet: Fleet) -> list[int]:
    return sorted({pool.spec.ips.count() for pool in fleet.cluster.pools.values()})


def use_all(fleet: Fleet, *, used: bool) -> None:
    """Let pods use every listed address, or none."""
    for name, pool in fleet.cluster.pools.items():
        fleet.cluster.pools[name] = replace(pool, allocated=pool.spec.ips if used else EMPTY[V4])


def passes(fleet: Fleet, count: int, minutes: int = 5) -> list[str]:
    """Return what the fuse was after so many passes, each with the workers after it and events in between."""
    states = []
    for _ in range(count):
        states.append(fleet.pass_of_the_schedule(minutes)["fuse"]["state"])
        fleet.work(ALL)
    return states


@pytest.mark.parametrize("policy", [THREE, ELASTIC, PREFIX], ids=["fixed", "elastic", "prefixes"])
def test_a_policy_that_takes_too_much_away_removes_nothing_without_a_confirmation(policy: Policy) -> None:
    fleet = lowered(policy)
    fleet.work(ALL)
    assert passes(fleet, 5) == ["tripped"] * 5
    assert all(pool.spec.ips.count() >= 8 for pool in fleet.cluster.pools.values())


@pytest.mark.parametrize("policy", [THREE, ELASTIC], ids=["fixed", "elastic"])
def test_events_carry_out_no_lower_policy_that_no_listing_has_judged(policy: Policy) -> None:
    fleet = lowered(policy, nodes=1)
    for _ in range(3):
        fleet.clock.advance(301)
        fleet.work(["i-0"])
    assert listed(fleet) == [8]
    assert "unassign" not in fleet.ec2.calls


def test_a_policy_that_takes_little_away_goes_through_as_soon_as_a_listing_was_judged() -> None:
    fleet = Fleet(NODES, EIGHT)
    tagged = build.policy(nics=1, ipv4={"addresses": 8})
    groups = [{"name": "few", "match": {"tags": {"few": "yes"}}, "interfaces": _interfaces(3)}]
    document = tagged.model_dump(by_alias=True, exclude_unset=True)
    changed(fleet, Policy.model_validate(document | {"groups": [*groups, *document["groups"]]}))
    known = fleet.ec2.known["i-0"]
    fleet.ec2.put(replace(known, tags={**known.tags, "few": "yes"}))
    fleet.work(ALL)
    assert listed(fleet) == [8]
    assert passes(fleet, 1) == ["whole"]
    assert listed(fleet) == [3, 8]


def _interfaces(addresses: int) -> list[dict[str, Any]]:
    (group,) = build.policy(nics=1, ipv4={"addresses": addresses}).model_dump(by_alias=True, exclude_unset=True)[
        "groups"
    ]
    interfaces: list[dict[str, Any]] = group["interfaces"]
    return interfaces


def test_a_lower_policy_is_judged_by_all_that_it_takes_away_in_the_end_also_what_pods_still_use() -> None:
    fleet = lowered(THREE)
    use_all(fleet, used=True)
    assert passes(fleet, 1) == ["tripped"]
    use_all(fleet, used=False)
    fleet.work(ALL)
    assert listed(fleet) == [8]


@pytest.mark.parametrize("policy", [THREE, ELASTIC, PREFIX], ids=["fixed", "elastic", "prefixes"])
def test_one_confirmation_is_enough_though_the_workers_get_on_slowly(policy: Policy) -> None:
    fleet = lowered(policy)
    digest = fleet.run()["removals"]["digest"]
    assert fleet.run(confirm=digest)["fuse"]["state"] == "confirmed"
    states = []
    for number in range(NODES):
        fleet.clock.advance(301)
        fleet.work([f"i-{number}"])
        states.append(fleet.run()["fuse"]["state"])
    states += [fleet.pass_of_the_schedule()["fuse"]["state"] for _ in range(3)]
    assert "tripped" not in states
    assert states[-1] == "whole"
    assert listed(fleet) == [16 if policy is PREFIX else 3 if policy is THREE else 2]


def test_one_confirmation_is_enough_though_pods_come_and_go() -> None:
    fleet = lowered(THREE)
    use_all(fleet, used=True)
    digest = fleet.run()["removals"]["digest"]
    use_all(fleet, used=False)
    assert fleet.run()["removals"]["digest"] == digest
    assert fleet.run(confirm=digest)["fuse"]["state"] == "confirmed"
    use_all(fleet, used=True)
    assert passes(fleet, 3) == ["confirmed"] * 3
    use_all(fleet, used=False)
    assert passes(fleet, 2) == ["confirmed", "whole"]
    assert listed(fleet) == [3]


def test_a_confirmation_ends_after_a_day_and_what_pods_use_alone_asks_for_no_other() -> None:
    fleet = lowered(THREE)
    use_all(fleet, used=True)
    fleet.run(confirm=fleet.run()["removals"]["digest"])
    assert passes(fleet, 1, minutes=24 * 60 - 1) == ["confirmed"]
    assert passes(fleet, 2, minutes=1) == ["whole", "whole"]
    use_all(fleet, used=False)
    assert fleet.run()["fuse"]["state"] == "tripped"


def test_a_confirmation_is_for_one_policy() -> None:
    fleet = lowered(THREE)
    fleet.run(confirm=fleet.run()["removals"]["digest"])
    changed(fleet, build.policy(nics=1, ipv4={"addresses": 2}))
    fleet.work(ALL)
    assert listed(fleet) == [8]
    assert passes(fleet, 1) == ["tripped"]
    assert listed(fleet) == [8]


def test_a_confirmed_lowering_agrees_to_no_loss_of_nodes() -> None:
    fleet = lowered(THREE)
    fleet.run(confirm=fleet.run()["removals"]["digest"])
    for number in range(6):
        del fleet.ec2.known[f"i-{number}"]
    assert passes(fleet, 3) == ["tripped"] * 3
    assert len(fleet.cluster.pools) == NODES


def test_an_elastic_size_shrinks_by_itself_under_the_policy_under_which_it_grew() -> None:
    fleet = Fleet(NODES, ELASTIC)
    for _ in range(3):
        use_all(fleet, used=True)
        fleet.pass_of_the_schedule()
    grown = listed(fleet)
    assert grown[0] > 6
    use_all(fleet, used=False)
    assert passes(fleet, 3) == ["whole"] * 3
    assert listed(fleet) == [2]


def test_the_mode_is_no_other_policy() -> None:
    fleet = Fleet(NODES, ELASTIC)
    use_all(fleet, used=True)
    passes(fleet, 3)
    use_all(fleet, used=False)
    changed(fleet, ELASTIC.model_copy(update={"mode": "observe"}))
    passes(fleet, 1)
    changed(fleet, ELASTIC)
    assert passes(fleet, 3) == ["whole"] * 3


@pytest.mark.parametrize("confirm", ["", "0123456789abcdef"])
def test_observing_writes_no_fuse_and_says_what_it_would_be(confirm: str) -> None:
    fleet = lowered(THREE.model_copy(update={"mode": "observe"}))
    before = fleet.control.control
    answer = fleet.run(confirm=confirm)
    assert fleet.control.control is before
    assert (fleet.enqueued(), fleet.cluster.writes, "FuseTripped" in fleet.reporter.metrics) == ([], [], False)
    if confirm:
        assert "observe" in answer["reason"]
    else:
        assert (answer["fuse"]["state"], answer["removals"]["addresses"]) == ("tripped", 35)


def test_the_first_resync_of_a_deployment_judges_its_policy_and_until_then_nothing_is_removed() -> None:
    fleet = Fleet(1, EIGHT)
    fleet.control.control = Control(THREE)
    fleet.work(["i-0"])
    assert listed(fleet) == [8]
    # Five addresses are few.
    assert passes(fleet, 1) == ["whole"]
    assert listed(fleet) == [3]


def test_a_converged_cluster_costs_one_write_of_the_fuse_for_a_new_policy_and_no_other() -> None:
    fleet = lowered(build.policy(nics=1, ipv4={"addresses": 8}, nodes={"drainSeconds": 9}))
    fleet.run()
    judged = fleet.control.control
    assert judged.fuse.policy == judged.policy.digest if judged.policy else False
    fleet.work(ALL)
    assert (fleet.run()["converged"], fleet.control.control is judged) == (NODES, True)
    assert (fleet.cluster.writes, "unassign" in fleet.ec2.calls) == ([], False)


def test_a_fuse_that_cannot_be_written_holds_removals_and_nothing_else_and_says_so() -> None:
    fleet = lowered(THREE)
    fleet.launch(99)
    fleet.control.unwritable = True
    with pytest.raises(RetryLater, match="the fuse cannot be written"):
        fleet.run()
    assert fleet.enqueued() == ["i-99"]
    fleet.work(["i-99", *ALL])
    assert [pool.spec.ips.count() for pool in fleet.pools_of("i-99")] == [3]
    assert sum(pool.spec.ips.count() == 8 for pool in fleet.cluster.pools.values()) == NODES


def test_a_quiet_pass_needs_no_write_where_none_is_possible() -> None:
    fleet = Fleet(NODES, EIGHT)
    fleet.control.unwritable = True
    assert fleet.run()["done"]


def test_two_resyncs_that_overlap_overwrite_nothing_of_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = lowered(THREE)
    few = build.policy(nics=1, ipv4={"addresses": 8}, nodes={"drainSeconds": 9})
    listing = fleet.ec2.list_instances

    def meanwhile(cluster: str) -> InstanceListing:
        monkeypatch.undo()
        # Another one reads the lower policy, and trips.
        changed(fleet, THREE)
        assert fleet.run()["fuse"]["state"] == "tripped"
        return listing(cluster)

    changed(fleet, few)
    monkeypatch.setattr(fleet.ec2, "list_instances", meanwhile)
    answer = fleet.run()
    assert (answer["done"], "another resync" in answer["reason"], fleet.enqueued()) == (False, True, [])
    assert fleet.control.control.fuse.held


def test_a_fuse_that_was_tripped_already_counts_no_second_trip() -> None:
    fleet = lowered(THREE)
    fleet.run()
    assert fleet.reporter.metrics["FuseTripped"] == 1
    fleet.run()
    # Once as it is read, as every function does.
    assert fleet.reporter.metrics["FuseTripped"] == 2


def test_a_dry_run_writes_nothing_and_names_what_the_policy_takes_away_in_the_end() -> None:
    fleet = lowered(ELASTIC)
    before = fleet.control.control
    answer = fleet.run(dry_run=True)
    assert fleet.control.control is before
    assert answer["removals"]["addresses"] == 6 * NODES
    assert "later: 6 addresses of pool" in answer["plans"][0]["plan"]
