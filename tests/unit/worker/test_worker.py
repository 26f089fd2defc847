import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spiderpool_aws.batches import backoff, read_batch
from spiderpool_aws.deployment import MAX_RECEIVES
from spiderpool_aws.domain.actions.plan import Finding
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.domain.request import Hint, ReconcileRequest, Status
from spiderpool_aws.events import MalformedEvent
from spiderpool_aws.messages import encode
from spiderpool_aws.worker import Worker
from tests.unit.worker.fakes import (
    MINUTES_20,
    Bench,
    FakeClock,
    batch,
    instance,
    record,
)

A, B, C = instance(1), instance(2), instance(3)


def test_a_batch_of_ten_instances_is_one_reconcile_and_all_are_acknowledged(bench: Bench) -> None:
    assert bench.handle(*(record(f"m{n}", instance(n)) for n in range(10))) == []
    assert bench.reconciler.calls == [[instance(n) for n in range(10)]]
    assert bench.inbox.log == []


def test_what_an_older_message_of_a_group_says_is_not_lost(bench: Bench) -> None:
    moment = datetime(2026, 3, 2, 9, 14, 27, tzinfo=UTC)
    warning = encode(ReconcileRequest(A, "spot", "test", frozenset({Hint.INTERRUPTED}), moment))
    bench.handle(record("m1", A, body=warning), record("m2", A))
    (request,) = bench.reconciler.requests
    assert (request.event_id, request.hints) == ("event-m2", frozenset({Hint.INTERRUPTED}))
    assert request.warned_at == moment


def test_the_reconciler_is_told_how_much_time_is_left(bench: Bench) -> None:
    class Half:
        def seconds_left(self) -> float:
            return 30.5

    worker = Worker(bench.reconciler, bench.inbox, bench.queue, bench.reporter, FakeClock())
    worker.handle(batch(record("m1", A), record("m2", B, receives=3, age=timedelta(minutes=15))), Half())
    assert bench.reconciler.seconds_left == [30.5, 30.5]


def test_of_a_group_the_newest_message_is_worked_on_and_the_others_share_its_fate(bench: Bench) -> None:
    bench.answer(A, Status.WAITING)
    kept = bench.handle(record("m1", A), record("m2", B), record("m3", A), record("m4", A))
    assert bench.reconciler.calls == [[A, B]]
    assert [request.event_id for request in bench.reconciler.requests] == ["event-m4", "event-m2"]
    assert kept == ["m1", "m3", "m4"]
    assert bench.inbox.log == [("delay", ["m1", "m3", "m4"], 5.0)]


@pytest.mark.parametrize(("receives", "seconds"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (99, 60)])
@pytest.mark.parametrize("status", [Status.WAITING, Status.FAILED])
def test_what_cannot_be_done_yet_comes_back_later_and_later(
    bench: Bench, status: Status, receives: int, seconds: float
) -> None:
    bench.answer(A, status)
    assert bench.handle(record("m1", A, receives=receives)) == ["m1"]
    assert bench.inbox.delays == {"m1": seconds}


def test_the_backoff_of_a_group_is_that_of_its_oldest_message(bench: Bench) -> None:
    bench.answer(A, Status.WAITING)
    bench.handle(record("m1", A, receives=4), record("m2", A))
    assert bench.inbox.delays == {"m1": 40, "m2": 40}


def test_an_outcome_that_knows_when_to_look_again_is_asked_then(bench: Bench) -> None:
    bench.answer(A, Status.WAITING, delay_seconds=33.0)
    bench.handle(record("m1", A, receives=5))
    assert bench.inbox.delays == {"m1": 33}


def test_groups_that_wait_equally_long_are_given_back_in_one_call(bench: Bench) -> None:
    for subject in (A, B):
        bench.answer(subject, Status.WAITING)
    bench.handle(record("m1", A), record("m2", B), record("m3", C))
    assert bench.inbox.log == [("delay", ["m1", "m2"], 5.0)]


MINUTES_19 = timedelta(minutes=19, seconds=59)


def test_a_wait_is_left_to_the_resync_after_20_minutes_and_counted(bench: Bench) -> None:
    bench.answer(A, Status.WAITING, reason="node not joined")
    assert bench.handle(record("m1", A, receives=23, age=MINUTES_19)) == ["m1"]
    assert bench.handle(record("m1", A, receives=24, age=MINUTES_20)) == []
    assert bench.inbox.dead == {}
    assert bench.reporter.counts["WaitsGivenUp"] == 1


def test_a_failure_goes_to_the_dead_letter_queue_after_20_minutes_with_its_reason(bench: Bench) -> None:
    bench.answer(A, Status.FAILED, reason="UnauthorizedOperation")
    assert bench.handle(record("m1", A, receives=23, age=MINUTES_19)) == ["m1"]
    assert bench.inbox.dead == {}
    assert bench.handle(record("m1", A, receives=24, age=MINUTES_20)) == []
    assert bench.inbox.dead == {"m1": "UnauthorizedOperation"}


@pytest.mark.parametrize("status", [Status.WAITING, Status.FAILED])
def test_20_minutes_are_counted_for_each_message_so_a_young_one_of_the_group_stays(
    bench: Bench, status: Status
) -> None:
    bench.answer(A, status)
    assert bench.handle(record("old", A, receives=24, age=MINUTES_20), record("young", A)) == ["young"]
    assert bench.inbox.delays == {"young": 60}


def test_short_waits_never_add_up_to_the_receives_after_which_sqs_gives_a_message_up(bench: Bench) -> None:
    """For then it would say that the function had died of it, 16 minutes before its patience ends."""
    bench.answer(A, Status.WAITING, delay_seconds=2.0)
    age, receives = timedelta(), 1
    while bench.handle(record("m1", A, receives=receives, age=age)):
        age += timedelta(seconds=bench.inbox.log[-1][2])
        receives += 1
    assert bench.reporter.counts["WaitsGivenUp"] == 1
    assert receives < MAX_RECEIVES


def test_when_something_that_all_need_cannot_be_read_all_groups_come_back(bench: Bench) -> None:
    bench.reconciler.unreachable = RetryLater("the API server does not answer")
    assert bench.handle(record("m1", A), record("m2", B, receives=2)) == ["m1", "m2"]
    assert bench.inbox.delays == {"m1": 5, "m2": 10}
    assert bench.handle(record("m3", C, receives=24, age=MINUTES_20)) == []
    assert bench.inbox.dead == {"m3": "the API server does not answer"}


def test_other_instances_that_have_to_be_looked_at_are_enqueued_under_the_same_event(bench: Bench) -> None:
    bench.answer("eni-00000001", Status.DONE, nudges=frozenset({B, C}))
    assert bench.handle(record("m1", "eni-00000001", event_id="e1")) == []
    assert [(r.subject, r.event_id) for r in bench.queue.sent] == [(B, "e1/nudge"), (C, "e1/nudge")]


def test_who_waits_for_another_nudges_it_too(bench: Bench) -> None:
    bench.answer(A, Status.WAITING, nudges=frozenset({B}))
    assert bench.handle(record("m1", A)) == ["m1"]
    assert bench.queue.arrived == [B]


def test_nudges_that_cannot_be_sent_keep_their_message_and_no_other(bench: Bench) -> None:
    bench.answer(A, Status.DONE, nudges=frozenset({C}))
    bench.queue.down = True
    assert bench.handle(record("m1", A), record("m2", B)) == ["m1"]
    assert "SQS does not answer" in "".join(bench.reporter.warnings)


def test_two_nodes_that_nudge_each_other_do_so_once_an_event(bench: Bench) -> None:
    bench.answer(A, Status.DONE, nudges=frozenset({B}))
    bench.answer(B, Status.DONE, nudges=frozenset({A}))
    bench.handle(record("m1", A, event_id="e1"))
    for turn in range(6):
        newest = bench.queue.sent[-1]
        bench.handle(record(f"n{turn}", newest.subject, event_id=newest.event_id))
    assert bench.queue.arrived == [B, A]


def test_nobody_nudges_itself(bench: Bench) -> None:
    bench.answer(A, Status.DONE, nudges=frozenset({A}))
    bench.handle(record("m1", A))
    assert bench.queue.sent == []


def test_a_reconcile_is_one_line_and_a_finding_is_a_warning_with_its_code(bench: Bench) -> None:
    finding = Finding("AddressTaken", "10.0.1.11 is held by eni-2")
    bench.answer(A, Status.DONE, reason="converged", writes=3, findings=(finding,))
    bench.handle(record("m1", A))
    (line,) = bench.reporter.lines
    assert line.startswith(f"{A}: done: converged")
    assert "'writes': 3" in line
    assert bench.reporter.warnings == [f"{A}: 10.0.1.11 is held by eni-2 {{'code': 'AddressTaken'}}"]
    assert bench.reporter.counts == {"ReconcilesDone": 1, "AddressTaken": 1}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, 'no list of "Records"'),
        (None, 'no list of "Records"'),
        ({"Records": [{"Sns": {}}]}, "attributes"),
        ({"Records": ["text"]}, "not one of an SQS FIFO queue"),
    ],
)
def test_an_event_that_is_no_batch_of_the_queue_is_refused(event: object, said: str) -> None:
    with pytest.raises(MalformedEvent) as refused:
        read_batch(event)
    assert said in str(refused.value)


def test_the_recorded_batch_is_read_as_lambda_writes_it() -> None:
    recorded = Path(__file__).parents[2] / "events" / "sqs-fifo-batch.json"
    first, second = read_batch(json.loads(recorded.read_text()))
    assert (first.group, first.receives, second.receives) == ("i-0f3fbbbc0298d1a86", 1, 2)


def test_what_fails_is_asked_ever_less_often_whatever_delay_it_advises(bench: Bench) -> None:
    bench.answer(A, Status.FAILED, delay_seconds=5.0)
    bench.answer(B, Status.FAILED, delay_seconds=30.0)
    bench.handle(record("m1", A, receives=4), record("m2", B))
    assert bench.inbox.delays == {"m1": 40, "m2": 30}


def test_the_backoff_has_a_value_for_every_receive() -> None:
    assert [backoff(receives) for receives in range(1, 8)] == [5, 10, 20, 40, 60, 60, 60]
