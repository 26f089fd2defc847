"""The steps between which Hypothesis chooses, with their arguments."""

from typing import ClassVar

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.simulation.faults import CLUSTER_FAULTS, EC2_FAULTS, SERVICE_FAULTS
from tests.simulation.policies import IPV6, SIZES
from tests.simulation.simulation import Simulation
from tests.simulation.tally import Tally

SOME = st.integers(0, 7)
THEN = st.sampled_from((0, 0, 0, 1, 5, 30, 60, 60, 300))
SKIP = st.integers(0, 12)
EC2_KINDS = st.sampled_from(sorted(EC2_FAULTS))
SERVICES = st.sampled_from(("autoscaling", "sqs", "ssm"))
CLUSTER_KINDS = st.sampled_from(sorted(CLUSTER_FAULTS))


class Machine(RuleBasedStateMachine):
    """One world; at its end everything must converge."""

    tally: ClassVar[Tally] = Tally()

    def __init__(self) -> None:
        super().__init__()
        self.sim: Simulation | None = None

    @property
    def here(self) -> Simulation:
        assert self.sim is not None
        return self.sim

    @initialize(
        ipv6=st.sampled_from(("", "", "prefix", "addresses")),
        small=st.sampled_from((False, False, True)),
        nodes=st.integers(0, 3),
        nics=st.integers(1, 2),
    )
    def begin(self, ipv6: str, small: bool, nodes: int, nics: int) -> None:
        self.sim = Simulation(ipv6=ipv6, small=small)
        self.tally.worlds += 1
        self.tally.newest = self.sim
        self.sim.__enter__()
        for _ in range(nodes):
            self.do("launch", nics)

    def do(self, name: str, *args: object) -> None:
        """Make a step, unless one before it broke something."""
        if not self.here.failed:
            getattr(self.here, name)(*args)

    def then(self, seconds: int) -> None:
        """Let time pass after a step, often enough that much is under way at once."""
        if seconds:
            self.do("advance", seconds)

    @rule(seconds=st.sampled_from((1, 5, 10, 20, 30, 35)))
    def a_moment(self, seconds: int) -> None:
        self.do("advance", seconds)

    @rule(seconds=st.sampled_from((60, 60, 90, 300, 660, 1500)))
    def a_while(self, seconds: int) -> None:
        self.do("advance", seconds)

    @rule(then=THEN, nics=st.integers(1, 2), filled=st.sampled_from((0, 0, 3, 9)))
    def launch(self, nics: int, filled: int, then: int) -> None:
        self.do("launch", nics, filled)
        self.then(then)

    @rule(then=THEN, number=SOME, what=st.sampled_from(("terminate", "terminate", "stop", "start", "replace")))
    def end(self, number: int, what: str, then: int) -> None:
        self.do(what, number)
        self.then(then)

    @rule(then=THEN, desired=st.integers(0, 3))
    def scale(self, desired: int, then: int) -> None:
        self.do("scale", desired)
        self.then(then)

    @rule(then=THEN, which=st.sampled_from(("both", "both", "launch", "terminate", "none")))
    def hooks(self, which: str, then: int) -> None:
        self.do("hooks", which)
        self.then(then)

    @rule(then=THEN, size=st.integers(0, 2), running=st.booleans())
    def warm_pool(self, size: int, running: bool, then: int) -> None:
        self.do("warm_pool", size, running)
        self.then(then)

    @rule(then=THEN, number=SOME, stops=st.booleans())
    def interrupt(self, number: int, stops: bool, then: int) -> None:
        self.do("interrupt", number, stops)
        self.then(then)

    @rule(
        then=THEN,
        number=SOME,
        nic=st.integers(0, 2),
        count=st.integers(1, 5),
        kind=st.sampled_from(("ipv4", "prefix", "ipv6")),
    )
    def assign(self, number: int, nic: int, count: int, kind: str, then: int) -> None:
        self.do("assign", number, nic, count, kind)
        self.then(then)

    @rule(then=THEN, number=SOME, nic=st.integers(0, 2), count=st.integers(1, 9))
    def unassign(self, number: int, nic: int, count: int, then: int) -> None:
        self.do("unassign", number, nic, count)
        self.then(then)

    @rule(then=THEN, number=SOME, index=st.integers(1, 2), filled=st.integers(0, 9))
    def attach(self, number: int, index: int, filled: int, then: int) -> None:
        self.do("attach", number, index, filled)
        self.then(then)

    @rule(then=THEN, number=SOME, nic=st.integers(0, 1))
    def detach(self, number: int, nic: int, then: int) -> None:
        self.do("detach", number, nic)
        self.then(then)

    @rule(then=THEN, subnet=st.sampled_from(("pods", "nodes")), free=st.integers(0, 6))
    def crowd(self, subnet: str, free: int, then: int) -> None:
        self.do("crowd", subnet, free)
        self.then(then)

    @rule(then=THEN, subnet=st.sampled_from(("pods", "nodes")))
    def fragment(self, subnet: str, then: int) -> None:
        self.do("fragment", subnet)
        self.then(then)

    @rule(then=THEN)
    def make_room(self, then: int) -> None:
        self.do("make_room")
        self.then(then)

    @rule(then=THEN, number=SOME, kind=st.sampled_from(("hands off", "ours", "ours")))
    def tag(self, number: int, kind: str, then: int) -> None:
        self.do("tag", number, kind)
        self.then(then)

    @rule(then=THEN, size=st.sampled_from(sorted(SIZES)), nics=st.integers(1, 2), ipv6=st.sampled_from(sorted(IPV6)),
          reserve=st.sampled_from((0, 0, 8)))  # fmt: skip
    def set_policy(self, size: str, nics: int, ipv6: str, reserve: int, then: int) -> None:
        self.do("set_policy", size, nics, ipv6, reserve)
        self.then(then)

    @rule(then=THEN, what=st.sampled_from(("break", "observe", "paused", "apply", "apply", "apply")))
    def govern(self, what: str, then: int) -> None:
        if what == "break":
            self.do("break_policy")
        else:
            self.do("set_mode", what)
        self.then(then)

    @rule(then=THEN, number=SOME, networks=st.integers(1, 2), waits=st.booleans())
    def run_pod(self, number: int, networks: int, waits: bool, then: int) -> None:
        self.do("run_pod", number, networks, waits)
        self.then(then)

    @rule(then=THEN, number=SOME)
    def run_pods(self, number: int, then: int) -> None:
        for _ in range(3):
            self.do("run_pod", number)
        self.then(then)

    @rule(then=THEN, number=SOME, how=st.sampled_from(("delete_pod", "delete_pod", "remove_pod", "hang_pod")))
    def end_pod(self, number: int, how: str, then: int) -> None:
        self.do(how, number)
        self.then(then)

    @rule(then=THEN, what=st.sampled_from(("retry_pods", "touch_pools")))
    def others(self, what: str, then: int) -> None:
        self.do(what)
        self.then(then)

    @rule(then=THEN, number=SOME, what=st.sampled_from(("delete_pool", "delete_node")))
    def delete_object(self, number: int, what: str, then: int) -> None:
        self.do(what, number)
        self.then(then)

    @rule(then=THEN, up=st.sampled_from((False, True, True)))
    def controller(self, up: bool, then: int) -> None:
        self.do("controller", up)
        self.then(then)

    @rule(then=THEN, kind=EC2_KINDS, skip=st.integers(0, 3), writes_only=st.booleans())
    def ec2_fails(self, kind: str, skip: int, writes_only: bool, then: int) -> None:
        self.do("ec2_fails", kind, skip, writes_only)
        self.then(then)

    @rule(then=THEN, kind=CLUSTER_KINDS, skip=st.integers(0, 3), writes_only=st.booleans())
    def cluster_fails(self, kind: str, skip: int, writes_only: bool, then: int) -> None:
        self.do("cluster_fails", kind, skip, writes_only)
        self.then(then)

    @rule(then=THEN, service=SERVICES, kind=st.sampled_from(sorted(SERVICE_FAULTS)), skip=st.integers(0, 3))
    def service_fails(self, service: str, kind: str, skip: int, then: int) -> None:
        self.do("service_fails", service, kind, skip)
        self.then(then)

    @rule(then=THEN, count=st.integers(1, 3))
    def deletes_lost(self, count: int, then: int) -> None:
        self.do("deletes_lost", count)
        self.then(then)

    @rule(then=THEN)
    def redrive(self, then: int) -> None:
        self.do("redrive")
        self.then(then)

    @rule(then=THEN, seconds=st.sampled_from((10, 90, 600, 1500)))
    def api_down(self, seconds: int, then: int) -> None:
        self.do("api_down", seconds)
        self.then(then)

    @rule(then=THEN, factor=st.sampled_from((0.0, 0.3, 1.0)))
    def stale(self, factor: float, then: int) -> None:
        self.do("stale", factor)
        self.then(then)

    @rule(then=THEN, number=SOME, seconds=st.sampled_from((60, 300, 540)))
    def unlist(self, number: int, seconds: int, then: int) -> None:
        self.do("unlist", number, seconds)
        self.then(then)

    @rule(
        then=THEN,
        what=st.sampled_from(("lost", "doubled", "late")),
        count=st.integers(1, 4),
        seconds=st.sampled_from((5, 120, 400)),
    )
    def disturb(self, what: str, count: int, seconds: int, then: int) -> None:
        self.do("disturb", what, count, seconds)
        self.then(then)

    @rule(then=THEN, skip=SKIP, after=st.booleans())
    def kill(self, skip: int, after: bool, then: int) -> None:
        self.do("kill", skip, after)
        self.then(then)

    @rule(then=THEN)
    def lose_sandboxes(self, then: int) -> None:
        self.do("lose_sandboxes")
        self.then(then)

    @rule(then=THEN, number=SOME, head_start=SKIP, turns=st.lists(st.integers(0, 1), max_size=12))
    def two_workers(self, number: int, head_start: int, turns: list[int], then: int) -> None:
        self.do("two_workers", number, head_start, tuple(turns))
        self.then(then)

    def teardown(self) -> None:
        if self.sim is None:
            return
        sim = self.sim
        try:
            self.do("converge")
        finally:
            self.sim = None
            self.tally.steps += len(sim.script)
            self.tally.writes += sim.checker.judged
            for line in sim.script:
                self.tally.kinds[line.name] = self.tally.kinds.get(line.name, 0) + 1
            sim.__exit__(None, None, None)
