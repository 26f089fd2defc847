"""The cluster, the policy and the queue of the bursts, on a clock by which their calls take time."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from spiderpool_aws.deployment import VISIBILITY_TIMEOUT
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.lifecycle import Lifecycle
from spiderpool_aws.local.queues import LocalQueue
from spiderpool_aws.ports import ClusterPort
from tests.bench import latencies
from tests.bench.concurrency import SharedClock
from tests.bench.given import IPV4, IPV6, POOLS_OF_A_NODE
from tests.unit.world import SmallCluster, SmallControl, SmallScaling


class TimedCluster:
    """The small cluster, where every call takes its time; it notes when an instance has all that its pods need."""

    def __init__(self, clock: SharedClock) -> None:
        self.stored = SmallCluster()
        self.complete: dict[str, datetime] = {}
        self._clock = clock
        self._in_subnet: Counter[str] = Counter()
        self._filled: defaultdict[str, set[str]] = defaultdict(set)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a call of the port: none of them is free, whatever the product comes to use."""
        call: Callable[..., Any] = getattr(self.stored, name)

        def timed(*given: Any, **named: Any) -> Any:
            self._clock.sleep(self._seconds(name, *given))
            if name == "apply_pool":
                self._note(given[0])
            return call(*given, **named)

        return timed

    def as_port(self) -> ClusterPort:
        """Return it as what the product takes."""
        return cast("ClusterPort", self)

    def _seconds(self, name: str, *given: Any) -> float:
        match name:
            case "list_pools":
                return latencies.listing(len(self.stored.pools), latencies.LISTED_POOL)
            case "list_nodes":
                return latencies.listing(len(self.stored.nodes), latencies.LISTED_NODE)
            case "apply_pool":
                return latencies.WEBHOOK + self._in_subnet[given[0].spec.subnet] * latencies.WEBHOOK_PER_POOL
            case _:
                return latencies.CLUSTER_CALL

    def _note(self, pool: Pool) -> None:
        self._in_subnet[pool.spec.subnet] += pool.name not in self.stored.pools
        if pool.identity is None or pool.spec.ips.count() != (IPV4 if pool.identity.family == 4 else IPV6):
            return
        filled = self._filled[pool.identity.instance_id]
        filled.add(pool.name)
        if len(filled) == POOLS_OF_A_NODE:
            self.complete.setdefault(pool.identity.instance_id, self._clock.now())


class TimedScaling(SmallScaling):
    """Auto Scaling, whose answer takes as long as one of EC2's."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__()
        self._clock = clock

    def lifecycles(self, instance_ids: Sequence[str]) -> Mapping[str, Lifecycle]:
        self._clock.sleep(latencies.EC2_READ + latencies.CPU_OF_A_CALL)
        return super().lifecycles(instance_ids)

    def complete_hook(self, group: str, instance_id: str, hook: str, result: str) -> None:
        self._clock.sleep(latencies.EC2_READ + latencies.CPU_OF_A_CALL)
        super().complete_hook(group, instance_id, hook, result)

    def prolong_hook(self, group: str, instance_id: str, hook: str) -> None:
        self._clock.sleep(latencies.EC2_READ + latencies.CPU_OF_A_CALL)
        super().prolong_hook(group, instance_id, hook)


class TimedControl(SmallControl):
    """The policy's parameter, which takes its time."""

    clock: SharedClock

    def read(self) -> Control:
        self.clock.sleep(latencies.SSM)
        return super().read()


class WatchedQueue(LocalQueue):
    """The queue of requests, which says when it may be worth looking into."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__(clock, "requests.fifo", visibility_seconds=VISIBILITY_TIMEOUT.total_seconds())
        self._shared = clock
        self.on_visible: Any = None
        self._due: set[datetime] = set()

    def send(self, *given: Any, **named: Any) -> str:
        message_id = super().send(*given, **named)
        self.look_in(0)
        return message_id

    def change_visibility(self, receipt_handle: str, seconds: float) -> None:
        super().change_visibility(receipt_handle, seconds)
        self.look_in(seconds)

    def look_in(self, seconds: float) -> None:
        """Have somebody look after so many seconds; once for all who ask for the same moment."""
        at = self._shared.now() + timedelta(seconds=seconds)
        if at not in self._due:
            self._due.add(at)
            self._shared.call_later(seconds, lambda: self._look(at))

    def _look(self, at: datetime) -> None:
        self._due.discard(at)
        self.on_visible()


class InvocationEnd:
    """Implements `Deadline`: when Lambda stops an invocation that began at this moment."""

    def __init__(self, clock: SharedClock, timeout: timedelta) -> None:
        self._clock = clock
        self._end = clock.now() + timeout

    def seconds_left(self) -> float:
        """Return the seconds until then."""
        return (self._end - self._clock.now()).total_seconds()
