"""Messages that nobody can read, dead letters that are not taken, and a queue that does not do as it is told."""

import pytest

from spiderpool_aws.domain.request import Status
from spiderpool_aws.ports import Message
from tests.unit.worker.fakes import MINUTES_20, Bench, instance, record

A, B, C = instance(1), instance(2), instance(3)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not json", "not JSON"),
        ("{}", "no text"),
        ('{"subject": "web-1", "eventId": "e", "reason": "r"}', "web-1"),
        ("[" * 100_000, "nested too deeply"),
        ('{"subject": "i-0a", "eventId": "\\ud800", "reason": "r", "hints": [[]]}', "surrogates"),
    ],
)
def test_a_batch_with_one_poison_body_has_the_others_done_and_the_poison_dead_lettered(
    bench: Bench, body: str, reason: str
) -> None:
    assert bench.handle(record("m1", A), record("bad", B, body=body), record("m3", C)) == []
    assert bench.reconciler.calls == [[A, C]]
    assert reason in bench.inbox.dead["bad"]
    assert bench.reporter.counts["MessagesDeadLettered"] == 1


def test_who_can_be_worked_on_is_so_before_a_dead_letter_queue_that_may_be_slow_is_asked(bench: Bench) -> None:
    done_before: list[int] = []
    dead_letter = bench.inbox.dead_letter

    def slow(message: Message, reason: str) -> None:
        done_before.append(len(bench.reconciler.calls))
        dead_letter(message, reason)

    bench.inbox.dead_letter = slow  # type: ignore[method-assign]
    bench.handle(record("bad", A, body="?"), record("m2", B))
    assert done_before == [1]


def test_a_poison_body_in_a_group_takes_no_other_message_of_the_group_with_it(bench: Bench) -> None:
    bench.answer(A, Status.WAITING)
    assert bench.handle(record("bad", A, body=""), record("m2", A)) == ["m2"]
    assert list(bench.inbox.dead) == ["bad"]


def test_a_message_in_another_instances_group_is_dead_lettered_for_the_group_is_the_lock(bench: Bench) -> None:
    stray = record("stray", B)
    stray["attributes"]["MessageGroupId"] = A
    assert bench.handle(stray) == []
    assert bench.reconciler.calls == []
    assert bench.inbox.dead == {"stray": f"the message is about {B}, but in the group of {A}"}


def test_a_poison_body_that_cannot_be_dead_lettered_stays_in_the_queue(bench: Bench) -> None:
    bench.inbox.dead_letters_down = True
    assert bench.handle(record("bad", A, body="?", receives=3), record("m2", B)) == ["bad"]
    assert bench.reconciler.calls == [[B]]
    # Its group is locked until then: not for the whole visibility time-out.
    assert bench.inbox.delays == {"bad": 20}


def test_also_in_a_batch_of_nothing_but_poison_each_comes_back_soon_when_it_cannot_be_dead_lettered(
    bench: Bench,
) -> None:
    bench.inbox.dead_letters_down = True
    assert bench.handle(*(record(f"m{n}", instance(n), body="?") for n in range(10))) == [f"m{n}" for n in range(10)]
    assert set(bench.inbox.delays.values()) == {5}
    assert bench.reconciler.calls == []


def test_a_failure_that_cannot_be_dead_lettered_stays_in_the_queue(bench: Bench) -> None:
    bench.answer(A, Status.FAILED)
    bench.inbox.dead_letters_down = True
    assert bench.handle(record("m1", A, receives=24, age=MINUTES_20), record("m2", B)) == ["m1"]
    assert bench.inbox.delays == {"m1": 60}


def test_a_wait_that_the_queue_is_not_told_comes_back_by_the_time_out_and_keeps_nobody_elses_message(
    bench: Bench,
) -> None:
    bench.answer(A, Status.WAITING)
    bench.answer(B, Status.WAITING, delay_seconds=33.0)
    bench.inbox.down = frozenset({"delay"})
    assert bench.handle(record("m1", A), record("m2", B), record("m3", C)) == ["m1", "m2"]
    assert [warning for warning in bench.reporter.warnings if "comes back late: SQS does not answer" in warning] == [
        f"{A}: comes back late: SQS does not answer {{}}",
        f"{B}: comes back late: SQS does not answer {{}}",
    ]
