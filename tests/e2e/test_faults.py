"""Faults in the middle of a reconcile on a real API server: it ends and says why, and the next one converges."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.domain.request import Status
from spiderpool_aws.local.cluster import Fault
from tests.e2e import api
from tests.e2e.apiserver import ApiServer
from tests.e2e.real_world import RealWorld
from tests.e2e.reconciling import RealServer
from tests.integration.reconciling import NETWORKS, POOLS, Bench

DNS = "ip-10-0-0-10.eu-west-1.compute.internal"
BEFORE, AFTER = "before the effect", "after the effect"
STEPS = [
    pytest.param("GET", "spiderippools", id="while it lists pools"),
    pytest.param("PATCH", "spidermultusconfigs", id="while it makes the network"),
    pytest.param("PATCH", "spiderippools", id="while it makes the pool"),
    pytest.param("PATCH", "nodes", id="while it prepares the Node"),
]


@pytest.fixture
def cluster(server: RealServer) -> Bench:
    made = Bench(server)
    made.join(DNS)
    return made


def has_happened(cluster: Bench, plural: str) -> bool:
    """Say whether the launch's write of a kind is on the API server."""
    if plural == "nodes":
        return "providerID" in cluster.node(DNS)["spec"]
    return bool(cluster.server.admin("GET", NETWORKS if plural == "spidermultusconfigs" else POOLS)["items"])


def are_served(world: RealWorld) -> bool:
    return all(world.admin.request("GET", path).status == 200 for path in api.CLEARED)


@dataclass
class Once:
    """A hook that acts at the first request of a kind, or the first `times`, and remembers that it did."""

    method: str
    plural: str
    act: Callable[[], Fault | None]
    times: int = 1
    has_acted: bool = False

    def __call__(self, method: str, path: str) -> Fault | None:
        if not self.times or method != self.method or f"/{self.plural}" not in path:
            return None
        self.has_acted, self.times = True, self.times - 1
        return self.act()


def failure_of(cluster: Bench) -> tuple[str, float | None]:
    """Reconcile, which has to fail; return the reason and when to look again."""
    try:
        outcome = cluster.reconcile()
    except RetryLater as later:
        return later.reason, later.delay_seconds
    assert outcome.status is Status.FAILED, outcome
    return outcome.reason, outcome.delay_seconds


def assert_converges(cluster: Bench) -> None:
    """The next reconcile finishes what was begun, without a second assignment, and leaves nothing to do."""
    assert cluster.reconcile().status is Status.DONE
    assert (len(cluster.pools()), cluster.taints(DNS)) == (1, [])
    assert cluster.node(DNS)["spec"]["providerID"] == "aws:///eu-west-1a/i-1"
    assert cluster.ec2.calls.count("assign") == 1
    assert cluster.reconcile().writes == 0


@pytest.mark.parametrize(("method", "plural"), STEPS)
@pytest.mark.parametrize(
    ("fault", "moment", "words", "delay"),
    [
        pytest.param(Fault.status(429, 7), BEFORE, "429", 7, id="throttled"),
        pytest.param(Fault.status(500), BEFORE, "500", 0, id="internal error"),
        pytest.param(Fault.status(504), BEFORE, "504", 0, id="time-out"),
        pytest.param(Fault.unavailable(), BEFORE, "check the endpoint", 0, id="no answer"),
        pytest.param(Fault.cut(), AFTER, "cannot be reached", 0, id="cut after the effect"),
    ],
)
def test_a_request_that_fails_is_made_up_for(
    cluster: Bench, world: RealWorld, method: str, plural: str, fault: Fault, moment: str, words: str, delay: float
) -> None:
    # A read whose connection is closed without an answer is sent once more.
    hook = Once(method, plural, lambda: fault, times=2 if method == "GET" and fault.kind != "status" else 1)
    world.inject(hook)
    reason, when = failure_of(cluster)
    assert hook.has_acted
    assert words in reason
    assert (when or 0) >= delay
    assert has_happened(cluster, plural) is (moment == AFTER and method == "PATCH")
    assert_converges(cluster)


@pytest.mark.parametrize(("method", "plural"), STEPS)
@pytest.mark.parametrize("moment", [BEFORE, AFTER])
def test_an_api_server_that_restarts_is_waited_for(
    cluster: Bench, world: RealWorld, api_server: ApiServer, moment: str, method: str, plural: str
) -> None:
    def kill() -> Fault | None:
        api_server.kill_apiserver()
        # Whose request had its effect hears nothing of it any more.
        return Fault.cut() if moment == AFTER else None

    hook = Once(method, plural, kill)
    (world.proxy.inject_late if moment == AFTER else world.inject)(hook)
    try:
        reason, _when = failure_of(cluster)
    finally:
        if hook.has_acted:
            api_server.start_apiserver()
            api.wait_until("the CRDs are served", lambda: are_served(world))
    assert hook.has_acted
    assert "check the endpoint" in reason
    assert has_happened(cluster, plural) is (moment == AFTER and method == "PATCH")
    assert_converges(cluster)


def test_a_webhook_that_does_not_answer_in_time_is_waited_for(cluster: Bench, world: RealWorld) -> None:
    assert world.webhooks is not None
    with world.webhooks.webhook.hanging():
        reason, when = failure_of(cluster)
    assert "check the spiderpool-controller" in reason
    assert "deadline exceeded" in reason or "Timeout exceeded" in reason
    assert (when or 0) >= 5
    assert_converges(cluster)
