"""NICs of ours that lie loose: noted and deleted when nobody needs them, attached where an instance rests."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.nics import AttachNic, CreateNic, KeepWithInstance
from spiderpool_aws.domain.instance import (
    CLUSTER_TAG,
    INDEX_TAG,
    INSTANCE_TAG,
    MANAGED_TAG,
    ORPHAN_TAG,
    InstanceState,
)
from spiderpool_aws.domain.lifecycle import Lifecycle
from spiderpool_aws.domain.memory import ABSENCE, SKEW, STALE
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.planner import plan_node
from tests.unit.build import NOW, eni, instance, observed
from tests.unit.domain.creating import SPARE_TAGS, creating, one_nic, spare
from tests.unit.domain.planning import FULL, full_node, keys


def orphaned(**changes: Any) -> ObservedNode:
    """Return a node with both NICs and a spare that nobody needs."""
    return observed(instance=instance(eni(0, ipv4=FULL), eni(1, ipv4=FULL)), spares=(spare(eni_id="eni-9"),), **changes)


def clean_up(model: ObservedNode) -> list[str]:
    return [key for key in keys(plan_node(model, creating())) if "eni-9" in key]


def test_a_nic_that_nobody_needs_is_noted_first_and_deleted_when_it_was_noted_ten_minutes_ago() -> None:
    assert clean_up(orphaned()) == ["note that eni-9 belongs to nobody"]
    for age, expected in ((ABSENCE - timedelta(seconds=1), []), (ABSENCE, ["delete eni-9"])):
        tags = SPARE_TAGS | {ORPHAN_TAG: (NOW - age).isoformat()}
        assert clean_up(replace(orphaned(), spares=(spare(eni_id="eni-9", tags=tags),))) == expected


def test_a_nic_whose_pool_is_still_there_is_noted_and_not_deleted_even_with_its_instance_gone() -> None:
    tags = SPARE_TAGS | {ORPHAN_TAG: (NOW - ABSENCE).isoformat()}
    (pool,) = (p for p in full_node()[0].pools)
    assert pool.identity is not None
    its_pool = replace(pool, identity=replace(pool.identity, eni_id="eni-9"), terminating=True, allocated=FULL)
    model = replace(orphaned(), spares=(spare(eni_id="eni-9", tags=tags),), pools=(its_pool,))
    assert clean_up(model) == []
    assert clean_up(replace(model, instance=instance(state=InstanceState.TERMINATED, enis=()))) == []
    assert clean_up(replace(model, pools=())) == ["delete eni-9"]


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        pytest.param("yesterday", "note that eni-9 belongs to nobody", id="unreadable"),
        pytest.param("", "note that eni-9 belongs to nobody", id="empty"),
        pytest.param("2026-03-01T11:45:00", "note that eni-9 belongs to nobody", id="of no time zone"),
        pytest.param("2019-03-01T11:45:00+00:00", "note that eni-9 belongs to nobody", id="of an earlier life"),
        pytest.param(
            (NOW + SKEW + timedelta(seconds=1)).isoformat(), "note that eni-9 belongs to nobody", id="of the future"
        ),
        pytest.param((NOW - STALE - timedelta(seconds=1)).isoformat(), "note that eni-9 belongs to nobody", id="old"),
        pytest.param((NOW - STALE).isoformat(), "delete eni-9", id="just not old"),
    ],
)
def test_a_note_that_is_not_of_this_absence_begins_anew(note: str, expected: str) -> None:
    model = replace(orphaned(), spares=(spare(eni_id="eni-9", tags=SPARE_TAGS | {ORPHAN_TAG: note}),))
    assert clean_up(model) == [expected]


def test_a_note_by_a_clock_that_is_ahead_counts() -> None:
    tags = SPARE_TAGS | {ORPHAN_TAG: (NOW + SKEW).isoformat()}
    assert clean_up(replace(orphaned(), spares=(spare(eni_id="eni-9", tags=tags),))) == []


def test_a_nic_that_has_to_stay_for_now_is_noted_nevertheless() -> None:
    (pool,) = full_node()[0].pools
    assert pool.identity is not None
    its_pool = replace(pool, identity=replace(pool.identity, eni_id="eni-9"))
    assert clean_up(replace(orphaned(), pools=(its_pool,))) == ["note that eni-9 belongs to nobody"]
    dead = instance(state=InstanceState.TERMINATED, enis=())
    assert clean_up(replace(orphaned(), instance=dead, pools=(its_pool,))) == ["note that eni-9 belongs to nobody"]
    assert clean_up(orphaned(removals_held="the fuse is tripped")) == ["note that eni-9 belongs to nobody"]


def test_an_old_note_is_not_renewed_while_the_nic_has_to_stay() -> None:
    tags = SPARE_TAGS | {ORPHAN_TAG: (NOW - timedelta(days=1)).isoformat()}
    model = replace(orphaned(), spares=(spare(eni_id="eni-9", tags=tags),))
    assert clean_up(replace(model, removals_held="the fuse is tripped")) == []
    (pool,) = full_node()[0].pools
    assert pool.identity is not None
    assert clean_up(replace(model, pools=(replace(pool, identity=replace(pool.identity, eni_id="eni-9")),))) == []


@pytest.mark.parametrize("missing", [CLUSTER_TAG, INSTANCE_TAG])
def test_a_nic_without_both_of_our_tags_is_never_touched(missing: str) -> None:
    tags = {key: value for key, value in SPARE_TAGS.items() if key != missing}
    assert clean_up(replace(orphaned(), spares=(spare(eni_id="eni-9", tags=tags),))) == []


def test_a_nic_of_another_cluster_is_never_touched() -> None:
    tags = SPARE_TAGS | {CLUSTER_TAG: "another"}
    assert clean_up(replace(orphaned(), spares=(spare(eni_id="eni-9", tags=tags),))) == []


def test_the_spare_nics_of_a_terminated_instance_go_at_once() -> None:
    gone = instance(state=InstanceState.TERMINATED, enis=())
    model = observed(instance=gone, spares=(spare(eni_id="eni-9"),))
    assert "delete eni-9" in keys(plan_node(model, creating()))


def test_the_spare_nics_of_an_instance_that_ec2_does_not_know_are_noted_first() -> None:
    model = observed(instance=None, node=None, spares=(spare(eni_id="eni-9"),))
    assert keys(plan_node(model, creating())) == ["note that eni-9 belongs to nobody"]


def test_a_tripped_fuse_holds_the_deletion_of_a_nic() -> None:
    tags = SPARE_TAGS | {ORPHAN_TAG: (NOW - ABSENCE).isoformat()}
    model = replace(orphaned(), spares=(spare(eni_id="eni-9", tags=tags),), removals_held="the fuse is tripped")
    assert clean_up(model) == []


def resting(state: InstanceState = InstanceState.STOPPED, **changes: Any) -> ObservedNode:
    """Return an instance that serves nobody, with its first NIC only, and the spare NICs that are given."""
    model = one_nic(**changes)
    assert model.instance is not None
    return replace(model, instance=replace(model.instance, state=state))


WARM = {"lifecycle": Lifecycle("workers", "Warmed:Running")}


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(resting(spares=(spare(), spare(eni_id="eni-9"))), id="stopped"),
        pytest.param(resting(InstanceState.RUNNING, spares=(spare(), spare(eni_id="eni-9")), **WARM), id="warm"),
    ],
)
def test_of_an_instance_that_rests_the_nic_that_it_will_need_is_attached_and_the_others_are_noted(
    model: ObservedNode,
) -> None:
    plan = plan_node(model, creating())
    expected = [f"attach {spare().eni_id} to i-1 at 1", "note that eni-9 belongs to nobody"]
    assert [key for key in keys(plan) if "eni-" in key] == expected
    attached = model.with_attached(spare().eni_id, "eni-attach-1", 1)
    assert [type(a) for a in plan_node(attached, creating()).due] == [KeepWithInstance]


@pytest.mark.parametrize("state", [InstanceState.STOPPING, InstanceState.SHUTTING_DOWN])
def test_to_an_instance_that_is_about_to_stop_nothing_is_attached(state: InstanceState) -> None:
    assert keys(plan_node(resting(state, spares=(spare(),)), creating())) == []


def test_for_an_instance_that_rests_no_nic_is_created() -> None:
    assert plan_node(resting(), creating()).converged
    assert plan_node(resting(InstanceState.RUNNING, **WARM), creating()).converged


def test_a_nic_that_is_left_alone_stays_as_it_is_on_an_instance_that_rests() -> None:
    alone = eni(1, tags=SPARE_TAGS | {MANAGED_TAG: "false"}, delete_on_termination=False)
    model = resting()
    assert model.instance is not None
    both = replace(model, instance=replace(model.instance, enis=(*model.instance.enis, alone)))
    assert keys(plan_node(both, creating())) == []


@pytest.mark.parametrize(
    ("index", "tagged", "waits"),
    [
        pytest.param(1, "1", True, id="at its index"),
        pytest.param(2, "1", True, id="made for the index and elsewhere at the instance"),
        pytest.param(1, "2", True, id="made for another index and at this one"),
        pytest.param(2, "2", False, id="at another index"),
    ],
)
def test_nothing_is_created_or_attached_while_two_looks_disagree_about_a_nic_of_ours(
    index: int, tagged: str, *, waits: bool
) -> None:
    ours = eni(index, eni_id="eni-9", tags=SPARE_TAGS | {INDEX_TAG: tagged})
    for others, action in (((), CreateNic), ((spare(),), AttachNic)):
        plan = plan_node(one_nic().with_own_nics([ours, *others]), creating())
        planned = [type(a) for a in plan.actions if isinstance(a, CreateNic | AttachNic)]
        told = ["eni-9 is attached at one look and not at the other" in wait.reason for wait in plan.waits]
        assert (planned, any(told)) == (([], True) if waits else ([action], False))


def test_a_nic_of_ours_that_both_looks_have_at_the_instance_is_settled() -> None:
    ours = eni(1, ipv4=FULL, tags=SPARE_TAGS)
    model = observed(instance=instance(eni(0, ipv4=FULL), ours)).with_own_nics([ours, spare(eni_id="eni-9")])
    assert (model.unsettled, [loose.eni_id for loose in model.spares]) == ((), ["eni-9"])
