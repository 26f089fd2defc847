"""Pacing: all workers together stay within EC2's request rates, so that AWS throttles none of their calls.

EC2 gives each action of an account and region a token bucket ("Request throttling for the Amazon EC2 API"). Each worker
has an equal, fixed share of each: its burst and its refill divided by the number of workers. The workers need not know
of each other, and however many of them run, their shares sum up to no more than AWS's bucket. The shares live in the
process; a new one begins with its own.

**Who waits, and how.** For a launch the worker waits here: the next token is seconds away, and to come back later would
cost a read of EC2 and of all pools each time. It does so until `WAITS_SECONDS` of its invocation have passed, and then
its calls are `Paced`: the message comes back at the moment at which a token is free, also for the ones that were sent
away before it. The calls of a batch are made in several threads, so a token is taken before its time has come, and
then waited for: no other thread counts on it. A release or a clean-up never waits here and takes only from the upper
half of its bucket: it neither holds up a worker that launches need, nor empties a bucket that a launch draws on to
take back what it made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from spiderpool_aws.domain.errors import Paced
from spiderpool_aws.metrics import Metric
from spiderpool_aws.ports import Clock, Reporter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spiderpool_aws.deployment import BucketRate

WAITS_SECONDS = 35.0
"""How long after its begin an invocation still begins to wait: the rest of 60 s is for the calls that follow."""
_KEPT_FOR_LAUNCHES = 0.5
_ENOUGH = 1 - 1e-6
"""A token, but for what rounding to microseconds takes away."""


class Urgency(Enum):
    """Whether pods wait for a call."""

    LAUNCH = auto()
    CLEAN_UP = auto()


class WaitingClock(Clock, Protocol):
    """A clock that one can wait by."""

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""


class Pace(Protocol):
    """What a call is preceded by; `Pacer` has the contract."""

    def take(self, action: str, urgency: Urgency) -> None:
        """Return when the call may be made, or raise Paced."""


class Unpaced:
    """For whoever is alone on its account, such as a test."""

    def take(self, action: str, urgency: Urgency) -> None:
        """Return at once."""


@dataclass(slots=True)
class TokenBucket:
    """A share of one of AWS's buckets."""

    burst: float
    refill_per_second: float
    filled_at: datetime
    tokens: float = field(init=False)
    """Below zero: so many are taken and waited for."""
    sent_away: int = 0
    """Calls of this invocation that come back for a token, in their order."""

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def wait_seconds(self, now: datetime, urgency: Urgency) -> float:
        """Return how long it takes until the next call may be made; 0: now."""
        # A share of less than one call still lets single calls through, at the share's pace.
        room = max(1.0, self.burst)
        seconds = max(0.0, (now - self.filled_at).total_seconds())
        self.tokens = min(room, self.tokens + seconds * self.refill_per_second)
        self.filled_at = max(now, self.filled_at)
        kept = min(self.burst * _KEPT_FOR_LAUNCHES, room - 1) if urgency is Urgency.CLEAN_UP else 0.0
        missing = kept + 1 - self.tokens
        return missing / self.refill_per_second if self.tokens - kept < _ENOUGH else 0.0


class Pacer:
    """Implements `Pace` for one worker process of so many."""

    def __init__(self, rates: Mapping[str, BucketRate], workers: int, clock: WaitingClock, reporter: Reporter) -> None:
        self._clock = clock
        self._reporter = reporter
        now = clock.now()
        self._buckets = {
            action: TokenBucket(rate.burst / workers, rate.refill_per_second / workers, now)
            for action, rate in rates.items()
        }
        self._waits_until = now + timedelta(seconds=WAITS_SECONDS)
        self._counting = Lock()

    def begin(self) -> None:
        """An invocation begins: from now on it may wait for a while."""
        self._waits_until = self._clock.now() + timedelta(seconds=WAITS_SECONDS)
        for bucket in self._buckets.values():
            bucket.sent_away = 0

    def take(self, action: str, urgency: Urgency) -> None:
        """Return when a call of an action may be made; at once for an action without a rate.

        Raises Paced: it may not be made in this invocation, and has not been; `delay_seconds` says when it may.
        """
        bucket = self._buckets.get(action)
        if bucket is None:
            return
        with self._counting:
            seconds = self._taken(action, bucket, urgency)
        if seconds > 0:
            self._clock.sleep(seconds)

    def _taken(self, action: str, bucket: TokenBucket, urgency: Urgency) -> float:
        """Take a token and return how long to wait for it."""
        now = self._clock.now()
        seconds = bucket.wait_seconds(now, urgency)
        if seconds > 0:
            self._reporter.count(Metric.CALLS_PACED)
            if urgency is Urgency.CLEAN_UP or now + timedelta(seconds=seconds) > self._waits_until:
                delay = seconds + bucket.sent_away / bucket.refill_per_second
                bucket.sent_away += 1
                raise Paced(
                    f"ec2:{action} waits for its turn: the account's request rate is shared by all workers", delay
                )
        bucket.tokens -= 1
        return seconds
