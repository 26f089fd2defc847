"""The worker: one batch of the FIFO queue, one read, one reconcile for each message group.

    group the messages by instance; the newest of a group is worked on, the others share its fate
    reconcile all groups in one call          crash suspects are left out, and one of them is worked on alone at the end
    a body that nobody can read goes to the dead-letter queue, with its reason
    done: acknowledge      waiting or failed: make the group visible again in 5, 10, 20, 40, 60, 60 … seconds
    after 20 minutes: a wait is acknowledged and left to the resync, a failure goes to the dead-letter queue

What is in the answer's `batchItemFailures` stays in the queue, everything else Lambda deletes (Lambda developer guide,
"Handling errors for an SQS event source"). A message that stays blocks the younger ones of its group, and no other.

**Crash suspects** (docs/adr/0002-crash-suspects.md). Something that kills the function takes the whole batch with it,
and the batch comes back when its visibility time-out ends. A group that was received three times *and* is older than
one such time-out and our own short waits explain has seen at least two of them. It is worked on alone, after the others
are done and deleted: so it takes nobody with it. After four crashes it goes to the dead-letter queue. The count alone
would not do: a node that waits to join is received twenty times, and fifty of them would each read EC2 alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from spiderpool_aws.batches import BACKOFF_SECONDS, HOPELESS_CRASHES, NUDGE, Group, backoff, grouped, read_batch
from spiderpool_aws.deployment import GIVE_UP, MAX_RECEIVES
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.metrics import Metric
from spiderpool_aws.ports import UNLIMITED, Clock, Deadline, InboxPort, Message, QueuePort, Reporter
from spiderpool_aws.telling import about_finding, about_subject

RECONCILES = {
    Status.DONE: Metric.RECONCILES_DONE,
    Status.WAITING: Metric.RECONCILES_WAITING,
    Status.REFUSED: Metric.RECONCILES_REFUSED,
    Status.FAILED: Metric.RECONCILES_FAILED,
}


CRASHED = (
    f"the function ended without an answer {HOPELESS_CRASHES} times, the last ones with nothing else to do: see its "
    "log about this instance (an error, its memory, its time-out), mend that, and send the letter back"
)
"""What is said of a message of which no pass could say anything."""


class Reconciles(Protocol):
    """What the worker needs of `Reconciler`."""

    def reconcile(self, requests: Sequence[ReconcileRequest], deadline: Deadline) -> Mapping[str, Outcome]:
        """Return the outcome for each subject; RetryLater: nothing was done for any of them."""


@dataclass(slots=True)
class _Tally:
    """What becomes of the messages of a batch."""

    kept: list[Message] = field(default_factory=list)
    """Reported as failed: they stay in the queue."""
    acknowledged: list[Message] = field(default_factory=list)
    delays: defaultdict[float, list[Message]] = field(default_factory=lambda: defaultdict(list))
    """Seconds -> those of the kept ones that the queue has not been told yet to show again by then."""

    def keep(self, messages: Sequence[Message], seconds: float) -> None:
        """Have messages stay in the queue, and come back after so many seconds."""
        self.kept += messages
        self.delays[seconds] += messages


class Worker:
    """Takes one batch at a time. What SQS does not do for a message costs that message time, and no other."""

    def __init__(
        self, reconciler: Reconciles, inbox: InboxPort, queue: QueuePort, reporter: Reporter, clock: Clock
    ) -> None:
        self._reconciler = reconciler
        self._inbox = inbox
        self._queue = queue
        self._reporter = reporter
        self._clock = clock

    def handle(self, event: object, deadline: Deadline = UNLIMITED) -> dict[str, list[dict[str, str]]]:
        """Work on an SQS event and return the messages that stay in the queue. Raises MalformedEvent for another."""
        now, tally = self._clock.now(), _Tally()
        groups, unreadable = grouped(read_batch(event))
        suspects = [group for group in groups if group.is_suspect(now)]
        self._work([group for group in groups if group not in suspects], tally, deadline)
        # After those: a queue that is slow to answer takes time from nobody who can be worked on.
        for message, reason in unreadable:
            self._dead_letter([message], reason, tally)
        suspects = [group for group in suspects if not self._was_hopeless(group, now, tally)]
        self._give_back(tally)
        if suspects:
            self._work_alone(suspects, now, tally, deadline)
            self._give_back(tally)
        return {"batchItemFailures": [{"itemIdentifier": message.message_id} for message in tally.kept]}

    def _was_hopeless(self, group: Group, now: datetime, tally: _Tally) -> bool:
        """Tell whether a group's messages were given up: nobody would live to say why after one more try."""
        if hopeless := group.hopeless(now):
            self._dead_letter(hopeless, CRASHED, tally)
            # Newer ones, of which nothing is known yet.
            tally.keep([m for m in group.messages if m not in hopeless], backoff(group.receives))
        return bool(hopeless)

    def _work_alone(self, suspects: Sequence[Group], now: datetime, tally: _Tally, deadline: Deadline) -> None:
        """Work on the first suspect, with nothing left in this batch that a crash could bring back or hold up."""
        alone, *others = suspects
        self._reporter.count(Metric.CRASH_SUSPECTS, len(suspects))
        with self._reporter.about(about_subject(alone.request.subject, alone.correlation_id)):
            self._reporter.warning(
                f"{alone.request.subject} is worked on alone: it was received {alone.receives} times, and the function "
                "seems to have died of it, or of one of its batch",
                suspect_receives=alone.receives,
                given_back=[group.request.subject for group in others],
            )
        for group in others:
            tally.keep(group.messages, group.give_back_seconds(now))
        self._give_back(tally)
        if not tally.acknowledged or self._deleted(tally.acknowledged):
            self._work([alone], tally, deadline)
        else:
            tally.keep(alone.messages, backoff(alone.receives))

    def _deleted(self, messages: Sequence[Message]) -> bool:
        """Delete what is done, and tell whether a crash can no longer bring it back."""
        try:
            self._inbox.delete(messages)
        except RetryLater as failed:
            self._reporter.warning(f"nothing is worked on alone, for a crash would bring back others: {failed.reason}")
            return False
        return True

    def _work(self, groups: Sequence[Group], tally: _Tally, deadline: Deadline) -> None:
        if not groups:
            return
        requests = [group.request for group in groups]
        try:
            outcomes = self._reconciler.reconcile(requests, deadline)
        except RetryLater as later:
            # Something that all of them need: a kubeconfig that is no good, a permission that is missing.
            outcomes = {
                r.subject: Outcome(r.subject, Status.FAILED, later.reason, later.delay_seconds) for r in requests
            }
        outcomes = self._nudge(requests, outcomes)
        for group in groups:
            outcome = outcomes[group.request.subject]
            with self._reporter.about(about_subject(group.request.subject, group.correlation_id, outcome.node)):
                self._report(group, outcome)
                self._settle(group, outcome, tally)

    def _give_back(self, tally: _Tally) -> None:
        """Tell the queue when what is kept shall come; what it is not told comes when its visibility time-out ends."""
        for seconds, messages in tally.delays.items():
            try:
                self._inbox.delay(messages, seconds)
            except RetryLater as failed:
                groups = ", ".join(dict.fromkeys(message.group for message in messages))
                self._reporter.warning(f"{groups}: comes back late: {failed.reason}")
        tally.delays.clear()

    def _nudge(self, requests: Iterable[ReconcileRequest], outcomes: Mapping[str, Outcome]) -> Mapping[str, Outcome]:
        """Enqueue the other instances that have to be looked at, also by who waits: it may wait for just them.

        The id of a nudge does not grow from one to the next, so two nodes that nudge each other are deduplicated.
        """
        nudges = [
            ReconcileRequest(subject, f"{request.event_id.removesuffix(NUDGE)}{NUDGE}", f"nudged by {request.subject}")
            for request in requests
            for subject in sorted(outcomes[request.subject].nudges - {request.subject})
        ]
        if not nudges:
            return outcomes
        try:
            self._queue.send(nudges)
        except RetryLater as failed:
            reason = f"others have to be looked at, too, and could not be enqueued: {failed.reason}"
            return {
                subject: replace(outcome, status=Status.FAILED, reason=reason) if outcome.nudges else outcome
                for subject, outcome in outcomes.items()
            }
        return outcomes

    def _settle(self, group: Group, outcome: Outcome, tally: _Tally) -> None:
        if outcome.status in (Status.DONE, Status.REFUSED):
            tally.acknowledged += group.messages
            return
        now = self._clock.now()
        patience = GIVE_UP if outcome.patience_seconds is None else timedelta(seconds=outcome.patience_seconds)
        spent = [message for message in group.messages if now - message.first_received_at >= patience]
        staying = [message for message in group.messages if message not in spent]
        if spent and outcome.status is Status.WAITING:
            tally.acknowledged += spent
            self._give_up(outcome, patience)
        elif spent:
            self._dead_letter(spent, outcome.reason, tally)
        if staying:
            tally.keep(staying, _delay(outcome, group.receives))

    def _give_up(self, outcome: Outcome, patience: timedelta) -> None:
        minutes = int(patience.total_seconds() // 60)
        self._reporter.warning(
            f"{outcome.subject}: left to the resync after {minutes} min: {outcome.reason}", given_up=outcome.reason
        )
        if outcome.patience_seconds is None:
            self._reporter.count(Metric.WAITS_GIVEN_UP)

    def _dead_letter(self, messages: Sequence[Message], reason: str, tally: _Tally) -> None:
        """Put messages into the dead-letter queue; one that cannot get there stays where it is."""
        for message in messages:
            try:
                self._inbox.dead_letter(message, reason)
            except RetryLater as failed:
                self._reporter.warning(f"{message.message_id} stays in the queue: {failed.reason}", reason=reason)
                # Its group waits for it: not for the whole visibility time-out.
                tally.keep([message], backoff(message.receives))
            else:
                with self._reporter.about(about_subject(message.group, "")):
                    self._reporter.warning(
                        f"dead-lettered {message.message_id} of {message.group}: {reason}", dead_lettered=reason
                    )
                self._reporter.count(Metric.MESSAGES_DEAD_LETTERED)
                tally.acknowledged.append(message)

    def _report(self, group: Group, outcome: Outcome) -> None:
        """Write one line that a person can read, and one for each finding, whose code is its metric."""
        bad = outcome.status in (Status.FAILED, Status.REFUSED)
        say = self._reporter.warning if bad else self._reporter.info
        who = f"{outcome.subject} ({outcome.node})" if outcome.node else outcome.subject
        did = f"; {outcome.writes} write{'' if outcome.writes == 1 else 's'}" if outcome.writes else ""
        say(
            f"{who}: {outcome.status}: {outcome.reason}{did}",
            status=str(outcome.status),
            reason=outcome.reason,
            cause=group.request.reason,
            receives=group.receives,
            writes=outcome.writes,
        )
        self._reporter.count(RECONCILES[outcome.status])
        for finding in outcome.findings:
            with self._reporter.about(about_finding(finding)):
                self._reporter.warning(f"{who}: {finding.message}", code=str(finding.code))
            self._reporter.count(finding.code)


def _delay(outcome: Outcome, receives: int) -> float:
    """Return when to look again. What fails is asked ever less often, whatever it advised itself.

    So is what waits, once it has used up half of its receives: short waits would be taken for a hundred crashes.
    """
    if outcome.delay_seconds is None:
        return backoff(receives)
    # No longer than our own: what waits longer looks like what crashed (`batches`).
    delay = min(outcome.delay_seconds, BACKOFF_SECONDS[-1])
    believed = outcome.status is Status.WAITING and receives <= MAX_RECEIVES / 2
    return delay if believed else max(delay, backoff(receives))
