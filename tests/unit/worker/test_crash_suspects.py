from datetime import timedelta

import pytest

from spiderpool_aws.batches import backoff
from spiderpool_aws.deployment import VISIBILITY_TIMEOUT
from spiderpool_aws.domain.request import Outcome, Status
from spiderpool_aws.worker import Worker
from tests.unit.worker.fakes import (
    START,
    Crash,
    FakeClock,
    FakeInbox,
    FakeQueue,
    FakeReconciler,
    FakeReporter,
    batch,
    instance,
    record,
)

A, B, C = instance(1), instance(2), instance(3)
TWICE = 2 * VISIBILITY_TIMEOUT


def worker(reconciler: FakeReconciler, inbox: FakeInbox) -> Worker:
    return Worker(reconciler, inbox, FakeQueue(), FakeReporter(), FakeClock(START))


def test_a_suspect_is_worked_on_alone_after_the_others_are_deleted() -> None:
    reconciler, inbox = FakeReconciler(crashers=frozenset({B})), FakeInbox()
    records = batch(record("m1", A), record("m2", B, receives=3, age=TWICE), record("m3", C))
    with pytest.raises(Crash):
        worker(reconciler, inbox).handle(records)
    assert reconciler.calls == [[A, C], [B]]
    assert inbox.log == [("delete", ["m1", "m3"])]


def test_the_other_suspects_are_given_back_at_once_before_the_first_is_worked_on() -> None:
    reconciler, inbox = FakeReconciler(crashers=frozenset({A})), FakeInbox()
    with pytest.raises(Crash):
        worker(reconciler, inbox).handle(
            batch(*(record(f"m{n}", s, receives=3, age=TWICE) for n, s in enumerate((A, B, C))))
        )
    assert reconciler.calls == [[A]]
    assert inbox.delays == {"m1": 0, "m2": 0}


def test_a_suspect_that_does_no_harm_is_done_like_any_other() -> None:
    reconciler, inbox = FakeReconciler(), FakeInbox()
    answer = worker(reconciler, inbox).handle(
        batch(record("m1", A, receives=3, age=TWICE), record("m2", B, receives=4, age=3 * VISIBILITY_TIMEOUT))
    )
    assert reconciler.calls == [[A]]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}


def test_a_healthy_group_that_waits_keeps_its_short_visibility_when_a_suspect_crashes() -> None:
    reconciler = FakeReconciler({A: Outcome(A, Status.WAITING)}, crashers=frozenset({B}))
    inbox = FakeInbox()
    with pytest.raises(Crash):
        worker(reconciler, inbox).handle(batch(record("m1", A), record("m2", B, receives=3, age=TWICE)))
    assert inbox.delays == {"m1": 5}


def test_one_old_message_makes_its_whole_group_a_suspect() -> None:
    reconciler = FakeReconciler()
    worker(reconciler, FakeInbox()).handle(
        batch(record("m1", A, receives=3, age=TWICE), record("m2", B), record("m3", A))
    )
    assert reconciler.calls == [[B], [A]]


@pytest.mark.parametrize(
    ("receives", "age"),
    [
        pytest.param(1, timedelta(hours=1), id="first receive"),
        pytest.param(2, timedelta(hours=1), id="second receive"),
        pytest.param(3, VISIBILITY_TIMEOUT, id="one time-out may happen to anybody"),
    ],
)
def test_who_may_have_seen_one_crash_is_no_suspect(receives: int, age: timedelta) -> None:
    reconciler = FakeReconciler()
    worker(reconciler, FakeInbox()).handle(batch(record("m1", A, receives=receives, age=age), record("m2", B)))
    assert reconciler.calls == [[A, B]]


@pytest.mark.parametrize("receives", range(2, 25))
def test_a_node_that_waits_twenty_minutes_never_loses_the_batch(receives: int) -> None:
    reconciler = FakeReconciler()
    age = timedelta(seconds=sum(backoff(n) + 2 for n in range(1, receives)))
    worker(reconciler, FakeInbox()).handle(
        batch(*(record(f"m{n}", instance(n), receives=receives, age=age) for n in range(10)))
    )
    assert len(reconciler.calls) == 1


@pytest.mark.parametrize("waits", range(20))
def test_whoever_crashes_after_waiting_is_a_suspect_at_the_second_crash(waits: int) -> None:
    reconciler = FakeReconciler()
    age = timedelta(seconds=sum(backoff(n) for n in range(1, waits + 1))) + TWICE
    worker(reconciler, FakeInbox()).handle(batch(record("m1", A, receives=waits + 3, age=age), record("m2", B)))
    assert reconciler.calls == [[B], [A]]


@pytest.mark.parametrize("receives", [3, 4, 7, 12, 40])
def test_a_group_is_a_suspect_as_soon_as_one_time_out_its_waits_and_a_minute_do_not_explain_its_age(
    receives: int,
) -> None:
    explained = VISIBILITY_TIMEOUT + timedelta(seconds=60 + sum(backoff(n) for n in range(2, receives)))
    for age, calls in ((explained, [[A, B]]), (explained + timedelta(seconds=1), [[B], [A]])):
        reconciler = FakeReconciler()
        worker(reconciler, FakeInbox()).handle(batch(record("m1", A, receives=receives, age=age), record("m2", B)))
        assert reconciler.calls == calls


@pytest.mark.parametrize("waits", range(0, 20, 3))
def test_what_crashed_four_times_is_dead_lettered_with_a_reason_and_not_tried_again(waits: int) -> None:
    after_waits = timedelta(seconds=sum(backoff(n) for n in range(1, waits + 1)))
    for crashes, calls, dead in ((3, [[B], [A]], []), (4, [[B]], ["m1"])):
        reconciler, inbox = FakeReconciler(), FakeInbox()
        age = after_waits + crashes * VISIBILITY_TIMEOUT
        answer = worker(reconciler, inbox).handle(
            batch(record("m1", A, receives=waits + crashes + 1, age=age), record("m2", B))
        )
        assert (reconciler.calls, list(inbox.dead)) == (calls, dead)
        assert answer == {"batchItemFailures": []}
        if dead:
            assert "the function ended without an answer 4 times" in inbox.dead["m1"]


def test_a_newer_message_of_a_group_that_is_given_up_is_tried_for_itself() -> None:
    reconciler, inbox = FakeReconciler(), FakeInbox()
    answer = worker(reconciler, inbox).handle(
        batch(record("m1", A, receives=5, age=4 * VISIBILITY_TIMEOUT), record("m2", A, receives=1))
    )
    assert (reconciler.calls, list(inbox.dead), inbox.delays) == ([], ["m1"], {"m2": 60})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}


def test_what_is_given_up_stays_while_the_dead_letter_queue_does_not_take_it() -> None:
    reconciler, inbox = FakeReconciler(), FakeInbox(dead_letters_down=True)
    answer = worker(reconciler, inbox).handle(batch(record("m1", A, receives=5, age=4 * VISIBILITY_TIMEOUT)))
    assert (reconciler.calls, inbox.delays) == ([], {"m1": 60})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_a_suspect_that_is_given_back_stays_one_until_its_turn_comes() -> None:
    receives, age = 3, TWICE
    delays = []
    for _ in range(30):
        reconciler, inbox = FakeReconciler(), FakeInbox()
        worker(reconciler, inbox).handle(
            batch(record("m1", A, receives=receives, age=age), record("m2", B, receives=receives, age=age))
        )
        assert reconciler.calls == [[A]]
        delays.append(inbox.delays["m2"])
        receives, age = receives + 1, age + timedelta(seconds=delays[-1])
    assert delays[0] == 0
    assert max(delays) == 60


def test_while_what_is_done_cannot_be_deleted_nobody_is_worked_on_alone_for_a_crash_would_bring_it_back() -> None:
    reconciler, inbox = FakeReconciler(crashers=frozenset({B})), FakeInbox(down=frozenset({"delete"}))
    answer = worker(reconciler, inbox).handle(
        batch(record("m1", A), record("m2", B, receives=3, age=TWICE), record("m3", C, receives=3, age=TWICE))
    )
    assert reconciler.calls == [[A]]
    assert sorted(failure["itemIdentifier"] for failure in answer["batchItemFailures"]) == ["m2", "m3"]
    # Not at once: nobody has worked on it, and its receives are counted.
    assert inbox.delays == {"m2": 20, "m3": 0}


def test_suspects_that_cannot_be_given_back_do_not_keep_the_first_from_its_turn() -> None:
    reconciler, inbox = FakeReconciler(), FakeInbox(down=frozenset({"delay"}))
    answer = worker(reconciler, inbox).handle(
        batch(record("m1", A, receives=3, age=TWICE), record("m2", B, receives=3, age=TWICE))
    )
    assert reconciler.calls == [[A]]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
