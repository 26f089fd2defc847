import json
from typing import Any

import pytest

from spiderpool_aws.deployment import BATCH_SIZE, MAX_RECEIVES
from spiderpool_aws.domain.request import Outcome, Status
from spiderpool_aws.local.functions import FunctionError, ResponseSizeTooLargeError, RuntimeExitError
from tests.integration.bus.bench import Bench
from tests.unit.events.recorded import load
from tests.unit.worker.fakes import instance

INSTANCE = "i-0f3fbbbc0298d1a86"
A, B, C = instance(1), instance(2), instance(3)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def running(instance_id: str, event_id: str) -> dict[str, Any]:
    event = load("instance-running")
    return event | {"id": event_id, "detail": {"instance-id": instance_id, "state": "running"}}


def test_an_event_that_a_pattern_matches_reaches_the_worker(bench: Bench) -> None:
    assert bench.bus.put(load("instance-running")) == ["instance-state"]
    assert bench.bus.settle()
    assert bench.reconciler.calls == [[INSTANCE]]
    assert bench.queue.messages == []


@pytest.mark.parametrize("name", ["instance-pending", "call-assign-by-own-role", "call-assign-failed"])
def test_what_no_pattern_matches_reaches_nobody(bench: Bench, name: str) -> None:
    assert bench.bus.put(load(name)) == []
    assert bench.bus.settle()
    assert bench.route_event.invocations == []


def test_one_manual_resync_of_three_instances_delivered_twice_is_three_reconciles(bench: Bench) -> None:
    for _ in range(2):
        assert bench.bus.invoke_resync({"instanceIds": [A, B, C]}, "request-1") == {"enqueued": 3}
        bench.bus.settle()
    assert sorted(bench.reconciled) == [A, B, C]


def test_the_same_event_ten_times_is_one_reconcile(bench: Bench) -> None:
    bench.bus.deliver(load("instance-running"), times=10)
    assert bench.bus.settle()
    assert bench.reconciled == [INSTANCE]


def test_fifty_instances_that_start_together_are_ten_reconciles(bench: Bench) -> None:
    for number in range(50):
        bench.bus.put(running(instance(number), f"event-{number}"))
    assert bench.bus.settle()
    assert [len(call) for call in bench.reconciler.calls] == [BATCH_SIZE] * (50 // BATCH_SIZE)
    assert len(set(bench.reconciled)) == 50


def test_fifty_instances_that_wait_keep_coming_in_whole_batches(bench: Bench) -> None:
    for number in range(50):
        bench.reconciler.outcomes[instance(number)] = Outcome(instance(number), Status.WAITING, "not joined")
        bench.bus.put(running(instance(number), f"event-{number}"))
    assert bench.bus.settle(3600)
    assert {len(call) for call in bench.reconciler.calls} == {BATCH_SIZE}
    assert bench.reporter.counts["WaitsGivenUp"] == 50
    assert bench.dead_requests.messages == []


def test_a_wait_is_looked_at_again_after_5_15_35_75_135_seconds(bench: Bench) -> None:
    start = bench.clock.now()
    bench.reconciler.outcomes[A] = Outcome(A, Status.WAITING)
    bench.bus.put(running(A, "e"))
    assert not bench.bus.settle(140)
    seconds = [(run.at - start).total_seconds() for run in bench.reconcile_nodes.invocations]
    assert seconds == [0, 5, 15, 35, 75, 135]


def test_a_failure_ends_in_the_dead_letters_with_its_reason_after_twenty_minutes(bench: Bench) -> None:
    start = bench.clock.now()
    bench.reconciler.outcomes[A] = Outcome(A, Status.FAILED, "UnauthorizedOperation: ask an administrator")
    bench.bus.put(running(A, "e"))
    assert bench.bus.settle(3600)
    assert 1200 <= (bench.clock.now() - start).total_seconds() < 1260
    (dead,) = bench.dead_requests.messages
    assert dead.body.endswith("UnauthorizedOperation: ask an administrator")


def test_events_of_one_instance_that_arrive_while_it_waits_are_looked_at_with_it(bench: Bench) -> None:
    bench.reconciler.outcomes[A] = Outcome(A, Status.WAITING)
    bench.bus.put(running(A, "first"))
    bench.bus.advance(1)
    bench.bus.put(running(A, "second"))
    bench.bus.advance(1)
    assert len(bench.reconciler.calls) == 1
    del bench.reconciler.outcomes[A]
    assert bench.bus.settle()
    assert [request.event_id for request in bench.reconciler.requests] == ["first", "second"]
    assert bench.queue.messages == []


def test_an_instance_that_kills_the_function_takes_its_batch_with_it_twice_and_then_nobody(bench: Bench) -> None:
    start = bench.clock.now()
    bench.reconciler.crashers = frozenset({B})
    for subject in (A, B, C):
        bench.bus.put(running(subject, "e"))
    bench.bus.advance(721)
    assert bench.reconciler.calls == [[A, B, C], [A, B, C], [A], [B], [C]]
    assert {message.group for message in bench.queue.messages} == {B}
    assert (bench.reconcile_nodes.invocations[-1].at - start).total_seconds() == 720


def test_two_crashers_leave_the_innocents_of_their_batch_alone_after_their_second_crash(bench: Bench) -> None:
    crashers = frozenset({instance(1), instance(3)})
    bench.reconciler.crashers = crashers
    for number in range(BATCH_SIZE):
        bench.bus.put(running(instance(number), "e"))
    bench.bus.advance(1020)
    assert {message.group for message in bench.queue.messages} == crashers
    innocents = [call for call in bench.reconciler.calls if not crashers.intersection(call)]
    assert sorted(call[0] for call in innocents) == [
        instance(n) for n in range(BATCH_SIZE) if instance(n) not in crashers
    ]
    assert [len(call) for call in bench.reconciler.calls if crashers.intersection(call)][:2] == [BATCH_SIZE, BATCH_SIZE]
    assert {len(call) for call in bench.reconciler.calls[2:]} == {1}


def test_whoever_comes_after_a_dozen_crashers_is_worked_on_at_once_and_the_crashers_end_in_the_dead_letters(
    bench: Bench,
) -> None:
    bench.reconciler.crashers = crashers = frozenset(instance(number) for number in range(12))
    for crasher in crashers:
        bench.bus.put(running(crasher, "first"))
    bench.bus.advance(2 * 360)
    for turn in range(60):
        # In their batches are older messages of crashers, and every now and then a new one.
        late = instance(100 + turn)
        bench.bus.put(running(instance(turn % 12), f"again-{turn}"))
        bench.bus.put(running(late, "first"))
        bench.bus.advance(5)
        assert bench.reconciled.count(late) == 1
        bench.bus.advance(25)
    bench.bus.advance(MAX_RECEIVES * 360)
    assert {message.group for message in bench.dead_requests.messages} == crashers


def test_a_malformed_event_is_kept_with_its_reason_and_tried_once(bench: Bench) -> None:
    event = load("instance-running")
    event["detail"]["instance-id"] = "web-1"
    assert bench.bus.put(event) == ["instance-state"]
    assert bench.bus.settle()
    (dead,) = bench.dead_events.messages
    assert json.loads(dead.body)["event"] == event
    assert "'web-1' is not an instance id" in json.loads(dead.body)["reason"]
    assert len(bench.route_event.invocations) == 1


def test_a_function_that_fails_is_tried_three_times_and_its_event_is_kept(bench: Bench) -> None:
    start = bench.clock.now()

    def fails(event: Any, context: Any) -> Any:
        raise RuntimeError(f"no answer for {context.aws_request_id}")

    bench.route_event.handler = fails
    bench.bus.put(load("instance-running"))
    assert bench.bus.settle()
    assert [(run.at - start).total_seconds() for run in bench.route_event.invocations] == [0, 60, 180]
    assert len({run.request_id for run in bench.route_event.invocations}) == 1
    (dead,) = bench.dead_events.messages
    kept = json.loads(dead.body)
    assert kept["requestPayload"] == load("instance-running")
    assert kept["requestContext"]["condition"] == "RetriesExhausted"
    assert kept["responsePayload"]["errorMessage"].startswith("no answer for ")
    assert bench.invoker.under_way == 0


def test_a_function_that_exits_is_a_failed_invocation_and_not_the_end_of_the_stack(bench: Bench) -> None:
    def exits(_event: Any, _context: Any) -> Any:
        raise SystemExit(1)

    bench.route_event.handler = exits
    bench.bus.put(load("instance-running"))
    assert bench.bus.settle()
    assert [type(run.error) for run in bench.route_event.invocations] == [RuntimeExitError] * 3
    (dead,) = bench.dead_events.messages
    assert "Runtime exited with error: SystemExit(1)" in json.loads(dead.body)["responsePayload"]["errorMessage"]


def test_ctrl_c_is_the_persons_and_stops_the_stack(bench: Bench) -> None:
    def interrupted(_event: Any, _context: Any) -> Any:
        raise KeyboardInterrupt

    bench.route_event.handler = interrupted
    with pytest.raises(KeyboardInterrupt):
        bench.route_event.invoke({}, "request")


def test_an_answer_above_6_mb_is_an_error_of_the_function(bench: Bench) -> None:
    bench.resync.handler = lambda event, _context: "x" * event
    quotation_marks = 2
    assert bench.resync.invoke(6_291_556 - quotation_marks, "request").error is None
    run = bench.resync.invoke(6_291_557 - quotation_marks, "request")
    assert isinstance(run.error, ResponseSizeTooLargeError)


def test_a_passing_fault_loses_nothing(bench: Bench) -> None:
    healthy = bench.route_event.handler
    faults = iter([RuntimeError("throttled")])

    def passes(event: Any, context: Any) -> Any:
        for fault in faults:
            raise fault
        return healthy(event, context)

    bench.route_event.handler = passes
    bench.bus.put(load("instance-running"))
    assert bench.bus.settle()
    assert bench.reconciled == [INSTANCE]
    assert bench.dead_events.messages == []


def test_the_schedule_invokes_the_resync_every_minute(bench: Bench) -> None:
    bench.bus.scheduled = True
    bench.bus.advance(301)
    assert len(bench.resync.invocations) == 5
    assert {run.event["detail-type"] for run in bench.resync.invocations} == {"Scheduled Event"}


def test_a_change_of_the_policy_invokes_the_resync(bench: Bench) -> None:
    bench.bus.put(load("parameter-of-others"))
    assert bench.bus.put(load("policy-updated")) == ["policy-change"]
    assert bench.bus.settle()
    assert len(bench.resync.invocations) == 1


def test_a_person_sees_what_is_wrong_with_a_resync(bench: Bench) -> None:
    with pytest.raises(FunctionError, match="MalformedEvent: malformed manual resync: dryrun is not known"):
        bench.bus.invoke_resync({"dryrun": True})


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, id="an id that is not in the batch"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": ""}]}, id="an empty id"),
        pytest.param({"batchItemFailures": [{"id": "x"}]}, id="a wrong key"),
        pytest.param("done", id="not an object"),
    ],
)
def test_an_answer_that_lambda_cannot_read_keeps_the_whole_batch(bench: Bench, answer: Any) -> None:
    bench.reconcile_nodes.handler = lambda _event, _context: answer
    bench.bus.put(running(A, "e"))
    bench.bus.advance(359)
    assert [message.receives for message in bench.queue.messages] == [1]
    bench.bus.advance(1)
    assert [message.receives for message in bench.queue.messages] == [2]


def test_after_a_hundred_receives_sqs_itself_gives_a_message_up(bench: Bench) -> None:
    bench.reconcile_nodes.handler = lambda _event, _context: "done"
    bench.bus.put(running(A, "e"))
    assert bench.bus.settle(100 * 360)
    assert len(bench.reconcile_nodes.invocations) == 100
    assert len(bench.dead_requests.messages) == 1


def test_what_is_due_in_an_hour_does_not_keep_the_bus_from_settling(bench: Bench) -> None:
    start = bench.clock.now()
    bench.clock.call_later(3600, lambda: None)
    bench.clock.call_later(60, lambda: bench.invoker.invoke(bench.route_event, load("instance-running"), "request"))
    assert bench.bus.settle()
    assert (bench.clock.now() - start).total_seconds() == 60
    assert bench.reconciled == [INSTANCE]


def test_the_bus_tells_what_was_put_on_it_and_who_took_it(bench: Bench) -> None:
    seen: list[tuple[str, list[str]]] = []
    bench.bus.watch(lambda event, names: seen.append((event["detail-type"], list(names))))
    bench.bus.put(load("instance-running"))
    bench.bus.put(load("rebalance-recommendation"))
    assert seen == [
        ("EC2 Instance State-change Notification", ["instance-state"]),
        ("EC2 Instance Rebalance Recommendation", []),
    ]
