"""The event bus: EventBridge's rules, Lambda's invocations and the FIFO queue's consumer, on one virtual clock.

The patterns are the very ones that are deployed (`routes.pattern`): what they do not match never reaches a function.
Time moves from event to event, and an invocation itself takes none.
"""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.events.models import EventPattern

from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.functions import AsyncInvoker, EventSourceMapping, FunctionError, LocalFunction
from spiderpool_aws.routes import ROUTES, Route, Target, pattern

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """An EventBridge rule: a route, and its compiled pattern."""

    route: Route
    pattern: EventPattern

    def matches(self, event: Event) -> bool:
        """Tell whether EventBridge would send the event to the route's function."""
        message: Any = event
        return bool(self.pattern.matches_event(message))


def rules(*, own_role_arns: Sequence[str], policy_parameter: str) -> tuple[Rule, ...]:
    """Return a rule for each route that has a pattern."""
    patterns = ((r, pattern(r, own_role_arns=own_role_arns, policy_parameter=policy_parameter)) for r in ROUTES)
    return tuple(Rule(route, EventPattern.load(json.dumps(found))) for route, found in patterns if found is not None)


class Bus:
    """Carries events to functions. `advance` and `settle` are what moves the clock of the whole local stack."""

    def __init__(
        self,
        clock: ManualClock,
        bus_rules: Sequence[Rule],
        functions: Mapping[Target, LocalFunction],
        mapping: EventSourceMapping,
        invoker: AsyncInvoker,
    ) -> None:
        self.scheduled = True
        """False: the schedule stands still, for tests that want to see what events alone bring about."""
        self.events: list[Event] = []
        """Every event that was put on the bus, matched or not."""
        self._clock = clock
        self._rules = bus_rules
        self._functions = functions
        self._mapping = mapping
        self._invoker = invoker
        self._numbers = itertools.count(1)
        self._timers = [_Timer(route, route.every, clock.now() + route.every) for route in ROUTES if route.every]
        self._watchers: list[Callable[[Event, Sequence[str]], None]] = []

    def watch(self, watcher: Callable[[Event, Sequence[str]], None]) -> None:
        """Tell this watcher of every event that is put on the bus, and the names of the rules that it matched."""
        self._watchers.append(watcher)

    def disable_rules(self, suffix: str = "") -> None:
        """Send no event any more to the rules whose names end so, for tests of lost events; by default to none."""
        self._rules = tuple(rule for rule in self._rules if not rule.route.name.endswith(suffix))

    def silence(self) -> None:
        """Invoke nothing any more by itself, neither for an event nor on schedule."""
        self.scheduled = False
        self.disable_rules()

    def put(self, event: Event) -> list[str]:
        """Put an event on the bus; return the names of the rules that it matched. Functions run when time moves."""
        matched = [rule for rule in self._rules if rule.matches(event)]
        self.events.append(event)
        for rule in matched:
            self._invoke(rule.route, event)
        names = [rule.route.name for rule in matched]
        for watcher in self._watchers:
            watcher(event, names)
        return names

    def deliver(self, event: Event, times: int = 1) -> list[str]:
        """Put one event on the bus so many times: EventBridge delivers at least once."""
        return [name for _ in range(times) for name in self.put(event)]

    def invoke_resync(self, payload: Any, request_id: str = "") -> Any:
        """Invoke the resync as a person does, and wait for its answer; raises FunctionError when it fails."""
        function = self._functions[Target.RESYNC]
        invocation = function.invoke(payload, request_id or self._request_id())
        if invocation.error is not None:
            raise FunctionError(f"{type(invocation.error).__name__}: {invocation.error}") from invocation.error
        return invocation.answer

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds; everything that is due on the way happens at its own moment."""
        end = self._clock.now() + timedelta(seconds=seconds)
        while (at := self._next_time(self._timers)) is not None and at <= end:
            self._move_to(at)
        self._move_to(end)

    def settle(self, max_seconds: float = 1800, quiet_seconds: float = 90) -> bool:
        """Move on until nothing is under way and nothing is due soon, or time is up; tell which.

        A node that waits keeps its message in the queue, for 20 minutes at most. `quiet_seconds` is longer than a
        CloudTrail record takes, and shorter than EC2 remembers the dead.
        """
        end = self._clock.now() + timedelta(seconds=max_seconds)
        while (at := self._next_time([])) is not None:
            busy = self._mapping.queue.messages or self._invoker.under_way
            if not busy and at - self._clock.now() > timedelta(seconds=quiet_seconds):
                return True
            until = min(max(at, self._clock.now()), end)
            self.advance((until - self._clock.now()).total_seconds())
            if at > end:
                return False
        return True

    def _next_time(self, timers: Sequence["_Timer"]) -> datetime | None:
        ticks = [timer.at for timer in timers] if self.scheduled else []
        times = [self._clock.next_time(), self._mapping.queue.next_time(), *ticks]
        return min((at for at in times if at is not None), default=None)

    def _move_to(self, at: datetime) -> None:
        self._clock.advance(max(0.0, (at - self._clock.now()).total_seconds()))
        for timer in self._timers:
            if timer.at <= self._clock.now() and self.scheduled:
                self.events.append(event := self._scheduled_event(timer.route))
                self._invoke(timer.route, event)
            while timer.at <= self._clock.now():
                timer.at += timer.every
        while self._mapping.poll():
            pass

    def _invoke(self, route: Route, event: Event) -> None:
        self._invoker.invoke(self._functions[route.target], event, self._request_id())

    def _scheduled_event(self, route: Route) -> Event:
        return {
            "version": "0",
            "id": self._request_id(),
            "detail-type": route.detail_type,
            "source": route.source,
            "time": f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "resources": [],
            "detail": {},
        }

    def _request_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012x}"


@dataclass(slots=True)
class _Timer:
    """When a scheduled route is due next."""

    route: Route
    every: timedelta
    at: datetime
