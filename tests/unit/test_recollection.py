"""What one process remembers from pass to pass: heartbeats, refused attaches, creations, and who is leaving."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.deployment import HEARTBEAT
from spiderpool_aws.domain.actions.nics import AttachNic, CreateNic, DeleteNic
from spiderpool_aws.domain.instance import Eni
from spiderpool_aws.domain.lifecycle import Lifecycle, ProlongHook, Transition
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.request import Hint, ReconcileRequest
from spiderpool_aws.domain.rules.nics import attach_key
from spiderpool_aws.recollection import ATTACH_AGAIN, ATTEMPT, DRAIN, SHOWN_AFTER, Recollection
from tests.unit.build import NOW, eni, instance, observed

MESSAGE = ReconcileRequest("i-1", "event-1", "test")
TICK = timedelta(seconds=1)
NEW = replace(eni(1), eni_id="eni-new", attachment_id="", attached=False)
LEAVING: dict[str, Any] = {"lifecycle": Lifecycle("workers", "Terminating:Wait")}
CREATE = CreateNic("i-1", 1, "subnet-1", (), {})


def at(after: timedelta = timedelta(), *spares: Eni, **changes: Any) -> ObservedNode:
    """Return a node with its first NIC only, so long after the beginning."""
    return replace(observed(instance=instance(eni(0))), now=NOW + after, spares=spares, **changes)


def seed(memory: Recollection, model: ObservedNode, request: ReconcileRequest = MESSAGE) -> str:
    return memory.prepare(model, request).token_seed


def test_a_message_says_what_no_describe_shows() -> None:
    hinted = replace(MESSAGE, hints=frozenset({Hint.INTERRUPTED}))
    model = Recollection().prepare(at(), hinted)
    assert (model.warned, model.flip, model.token_seed) == (NOW, False, "event-1:i-1")
    for said in (NOW - timedelta(minutes=3), NOW + timedelta(minutes=3)):
        assert Recollection().prepare(at(), replace(hinted, warned_at=said)).warned == min(said, NOW)
    flipped = Recollection().prepare(at(), replace(MESSAGE, hints=frozenset({Hint.FLIP})))
    assert (flipped.warned, flipped.flip) == (None, True)


def test_a_heartbeat_is_due_five_minutes_after_the_last_one_of_that_instance() -> None:
    memory = Recollection()
    assert memory.prepare(at(), MESSAGE).heartbeat_due
    memory.done(ProlongHook("workers", "i-1", Transition.LAUNCHING), at())
    assert not memory.prepare(at(HEARTBEAT - TICK), MESSAGE).heartbeat_due
    assert memory.prepare(replace(at(), instance_id="i-2"), MESSAGE).heartbeat_due
    assert memory.prepare(at(HEARTBEAT), MESSAGE).heartbeat_due
    assert timedelta(minutes=5) == HEARTBEAT


def test_an_attach_that_was_refused_is_remembered_for_half_an_hour_for_its_instance_and_index() -> None:
    memory, key = Recollection(), attach_key("i-1", 1)
    memory.refused(AttachNic("i-1", 1, "eni-new"), at())
    memory.refused(CREATE, at())
    assert memory.prepare(at(ATTACH_AGAIN - TICK), MESSAGE).cooling == {key: NOW + ATTACH_AGAIN}
    assert memory.prepare(at(ATTACH_AGAIN), MESSAGE).cooling == {}
    assert timedelta(minutes=30) == ATTACH_AGAIN
    assert len({key, attach_key("i-1", 2), attach_key("i-2", 1)}) == 3


def test_it_is_remembered_since_when_a_group_waits_to_terminate_an_instance() -> None:
    memory = Recollection()
    assert memory.prepare(at(**LEAVING), MESSAGE).leaving_since == NOW
    assert memory.prepare(at(DRAIN - TICK, **LEAVING), MESSAGE).leaving_since == NOW
    assert memory.prepare(replace(at(TICK, **LEAVING), instance_id="i-2"), MESSAGE).leaving_since == NOW + TICK


@pytest.mark.parametrize("stood", [None, Lifecycle("workers", "InService"), Lifecycle("workers", "Pending:Wait")])
def test_an_instance_that_serves_again_begins_its_next_wait_anew(stood: Lifecycle | None) -> None:
    memory = Recollection()
    memory.prepare(at(**LEAVING), MESSAGE)
    assert memory.prepare(at(TICK, lifecycle=stood), MESSAGE).leaving_since is None
    assert memory.prepare(at(2 * TICK, **LEAVING), MESSAGE).leaving_since == NOW + 2 * TICK


def test_an_attempt_that_is_repeated_has_the_same_token_as_long_as_ec2_may_not_show_its_nic_yet() -> None:
    memory = Recollection()
    first = seed(memory, at())
    memory.done(CREATE, at(timedelta(), NEW))
    assert seed(memory, at(SHOWN_AFTER - TICK)) == first
    assert seed(Recollection(), at(SHOWN_AFTER)) == first, "another process, after a crash"


def test_a_nic_that_ec2_has_shown_by_now_is_not_gone() -> None:
    memory = Recollection()
    first = seed(memory, at())
    memory.done(CREATE, at(timedelta(), NEW))
    assert seed(memory, at(SHOWN_AFTER, NEW)) == first
    attached = replace(at(SHOWN_AFTER), instance=instance(eni(0), replace(NEW, attached=True)))
    assert seed(memory, attached) == first
    at_one_look = replace(at(SHOWN_AFTER), unsettled=(NEW,))
    assert seed(memory, at_one_look) == first, "one look shows it, the other does not"


def test_the_next_nic_of_a_message_whose_first_one_is_gone_has_another_token_and_only_that_instances() -> None:
    memory = Recollection()
    first = seed(memory, at())
    memory.done(CREATE, at(timedelta(), NEW))
    # EC2 answers with the same NIC again: that makes it no younger.
    memory.done(CREATE, at(SHOWN_AFTER - TICK, NEW))
    assert seed(memory, replace(at(SHOWN_AFTER), instance_id="i-2")) == first
    second = seed(memory, at(SHOWN_AFTER))
    assert second != first
    assert seed(memory, at(SHOWN_AFTER + TICK)) == second, "and that one is repeated, too"
    assert seed(memory, at(SHOWN_AFTER + TICK), replace(MESSAGE, event_id="event-2")) != second


def test_a_look_at_one_instance_says_nothing_of_anothers_nic() -> None:
    memory, other = Recollection(), replace(at(SHOWN_AFTER), instance_id="i-2")
    first, of_other = seed(memory, at()), seed(memory, other)
    memory.done(CREATE, at(timedelta(), NEW))
    assert seed(memory, other) == of_other
    assert seed(memory, at(SHOWN_AFTER, NEW)) == first
    memory.done(DeleteNic("eni-new", "it could not be attached", at_once=True), at(SHOWN_AFTER))
    assert seed(memory, other) == of_other
    # ADR 19: two looks, half a minute apart.
    assert timedelta(minutes=1) == SHOWN_AFTER


def test_what_was_deleted_again_is_gone_at_once() -> None:
    memory = Recollection()
    first = seed(memory, at())
    memory.done(CREATE, at(timedelta(), NEW))
    memory.done(DeleteNic("eni-new", "it could not be attached", at_once=True), at())
    second = seed(memory, at(TICK))
    assert second != first
    memory.done(DeleteNic("eni-newer", "it could not be attached", at_once=True), at())
    assert len({first, second, seed(memory, at(2 * TICK))}) == 3
    assert seed(memory, at(ATTEMPT)) == first, "its message is given up long before"
