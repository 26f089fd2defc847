"""The events that EC2 and CloudTrail put on EventBridge, delivered to the model's listeners."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any

from spiderpool_aws.local.ec2 import cloudtrail
from spiderpool_aws.local.ec2.calls import Ec2Call
from spiderpool_aws.local.ec2.state import Instance
from spiderpool_aws.local.ec2.world import World

Event = dict[str, Any]
Listener = Callable[[Event], None]

_STATE_CHANGE = "EC2 Instance State-change Notification"
_API_CALL = "AWS API Call via CloudTrail"


class Events:
    """Builds envelopes and hands each to every listener, never in the middle of a call that changes things."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._listeners: list[Listener] = []
        self._outbox: deque[Event] = deque()
        self._held = 0
        self._delivering = False
        self._guard = Lock()

    def subscribe(self, listener: Listener) -> None:
        """Deliver every event from now on to this listener too."""
        self._listeners.append(listener)

    def state_changed(self, instance: Instance) -> None:
        """Tell that an instance has a new state."""
        if not self._listeners:
            return
        world = self._world
        arn = f"arn:{world.partition}:ec2:{world.region}:{world.account_id}:instance/{instance.id}"
        detail = {"instance-id": instance.id, "state": instance.state}
        event = self.envelope("aws.ec2", _STATE_CHANGE, [arn], detail)
        self.send(event, world.options.state_change_delay_seconds)

    def called(self, call: Ec2Call) -> None:
        """Tell of a mutating call that arrived, also of one that failed."""
        if not self._listeners:
            return
        world = self._world
        identity = cloudtrail.user_identity(call.caller, world.account_id, world.partition)
        wraps = world.options.cloudtrail_wraps_ipv6
        detail = cloudtrail.record(call, world.region, identity, world.ids.uuid(), wraps_ipv6=wraps)
        event = self.envelope("aws.ec2", _API_CALL, [], detail, call.time)
        self.send(event, world.options.cloudtrail_delay_seconds)

    def envelope(
        self, source: str, detail_type: str, resources: list[str], detail: Event, at: datetime | None = None
    ) -> Event:
        """Return an event as EventBridge delivers it."""
        world = self._world
        return {
            "version": "0",
            "id": world.ids.uuid(),
            "detail-type": detail_type,
            "source": source,
            "account": world.account_id,
            "time": f"{at or world.now():%Y-%m-%dT%H:%M:%SZ}",
            "region": world.region,
            "resources": resources,
            "detail": detail,
        }

    def send(self, event: Event, delay_seconds: float = 0) -> None:
        """Deliver an event after a delay; without one, as soon as the call that caused it is complete."""
        if delay_seconds > 0:
            self._world.clock.call_later(delay_seconds, partial(self.send, event))
            return
        with self._guard:
            self._outbox.append(event)
        self.flush()

    def hold(self) -> None:
        """Keep events back until `release`: a listener must see a call's whole effect."""
        with self._guard:
            self._held += 1

    def release(self) -> None:
        """End what `hold` began; `flush` then delivers."""
        with self._guard:
            self._held -= 1

    def flush(self) -> None:
        """Deliver what waits, one event after the other, unless somebody does already or holds events back.

        To be called without the model's lock: a listener may call the model through another thread, over HTTP.
        """
        while True:
            with self._guard:
                if self._delivering or self._held or not self._outbox:
                    return
                self._delivering = True
                event = self._outbox.popleft()
            try:
                for listener in list(self._listeners):
                    listener(event)
            finally:
                with self._guard:
                    self._delivering = False
