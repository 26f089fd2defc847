"""The cluster, the policy and the queue of the bursts, on a clock by which their calls take time."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from spiderpool_aws.deployment import VISIBILITY_TIMEOUT
from spiderpool_aws.domain.cluster.node import Node
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.local.queues import LocalQueue
from tests.bench import latencies
from tests.bench.concurrency import SharedClock
from tests.bench.given import IPV4, IPV6, POOLS
from tests.unit.world import SmallCluster, SmallControl


class TimedCluster(SmallCluster):
    """The small cluster, where every call takes its time; it notes when an instance has all that its pods need."""

    def __init__(self, clock: SharedClock) -> None:
        super().__init__()
        self._clock = clock
        self._in_subnet: Counter[str] = Counter()
        self._filled: dict[str, set[str]] = {}
        self.complete: dict[str, datetime] = {}

    def list_pools(self) -> Sequence[Pool]:
        pages = len(self.pools) // latencies.POOLS_IN_A_PAGE + 1
        self._clock.sleep(pages * latencies.PAGE_OF_POOLS + len(self.pools) * latencies.PARSED_POOL)
        return super().list_pools()

    def apply_pool(self, pool: Pool) -> Pool:
        subnet = pool.spec.subnet
        self._clock.sleep(latencies.WEBHOOK + self._in_subnet[subnet] * latencies.WEBHOOK_PER_POOL)
        self._in_subnet[subnet] += pool.name not in self.pools
        self._note(pool)
        return super().apply_pool(pool)

    def get_node(self, name: str) -> Node | None:
        self._clock.sleep(latencies.CLUSTER_CALL)
        return super().get_node(name)

    def prepare_node(self, node_name: str, node_uid: str, *, provider_id: str = "", taint: str = "") -> None:
        self._clock.sleep(latencies.CLUSTER_CALL)
        super().prepare_node(node_name, node_uid, provider_id=provider_id, taint=taint)

    def _note(self, pool: Pool) -> None:
        if pool.identity is None or pool.spec.ips.count() != (IPV4 if pool.identity.family == 4 else IPV6):
            return
        filled = self._filled.setdefault(pool.identity.instance_id, set())
        filled.add(pool.name)
        if len(filled) == POOLS:
            self.complete.setdefault(pool.identity.instance_id, self._clock.now())


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
