"""Hypothesis chooses the steps; a failure is shrunk and printed as a script that runs alone."""

from dataclasses import dataclass, field
from typing import ClassVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.simulation.faults import CLUSTER_FAULTS, EC2_FAULTS
from tests.simulation.policies import IPV6, SIZES
from tests.simulation.simulation import Simulation

SOME = st.integers(0, 7)
SKIP = st.integers(0, 12)
EC2_KINDS = st.sampled_from(sorted(EC2_FAULTS))
CLUSTER_KINDS = st.sampled_from(sorted(CLUSTER_FAULTS))


@dataclass
class Tally:
    """What a run of the machine did."""

    worlds: int = 0
    steps: int = 0
    writes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    newest: Simulation | None = None


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

    @initialize(ipv6=st.sampled_from(("", "", "prefix", "addresses")), nodes=st.integers(0, 3), nics=st.integers(1, 2))
    def begin(self, ipv6: str, nodes: int, nics: int) -> None:
        self.sim = Simulation(ipv6=ipv6)
        self.tally.worlds += 1
        self.tally.newest = self.sim
        self.sim.__enter__()
        for _ in range(nodes):
            self.sim.launch(nics)

    @rule(seconds=st.sampled_from((1, 5, 10, 20, 30, 35)))
    def a_moment(self, seconds: int) -> None:
        self.here.advance(seconds)

    @rule(seconds=st.sampled_from((60, 60, 90, 300, 660, 1500)))
    def a_while(self, seconds: int) -> None:
        self.here.advance(seconds)

    @rule(nics=st.integers(1, 2), filled=st.sampled_from((0, 0, 3, 9)))
    def launch(self, nics: int, filled: int) -> None:
        self.here.launch(nics, filled)

    @rule(number=SOME, what=st.sampled_from(("terminate", "terminate", "stop", "start", "replace")))
    def end(self, number: int, what: str) -> None:
        getattr(self.here, what)(number)

    @rule(desired=st.integers(0, 3))
    def scale(self, desired: int) -> None:
        self.here.scale(desired)

    @rule(number=SOME, nic=st.integers(0, 2), count=st.integers(1, 5), kind=st.sampled_from(("ipv4", "prefix", "ipv6")))
    def assign(self, number: int, nic: int, count: int, kind: str) -> None:
        self.here.assign(number, nic, count, kind)

    @rule(number=SOME, nic=st.integers(0, 2), count=st.integers(1, 9))
    def unassign(self, number: int, nic: int, count: int) -> None:
        self.here.unassign(number, nic, count)

    @rule(number=SOME, index=st.integers(1, 2), filled=st.integers(0, 9))
    def attach(self, number: int, index: int, filled: int) -> None:
        self.here.attach(number, index, filled)

    @rule(number=SOME, nic=st.integers(0, 1))
    def detach(self, number: int, nic: int) -> None:
        self.here.detach(number, nic)

    @rule(subnet=st.sampled_from(("pods", "nodes")), free=st.integers(0, 6))
    def crowd(self, subnet: str, free: int) -> None:
        self.here.crowd(subnet, free)

    @rule()
    def make_room(self) -> None:
        self.here.make_room()

    @rule(number=SOME, kind=st.sampled_from(("hands off", "ours", "ours")))
    def tag(self, number: int, kind: str) -> None:
        self.here.tag(number, kind)

    @rule(size=st.sampled_from(sorted(SIZES)), nics=st.integers(1, 2), ipv6=st.sampled_from(sorted(IPV6)),
          reserve=st.sampled_from((0, 0, 8)))  # fmt: skip
    def set_policy(self, size: str, nics: int, ipv6: str, reserve: int) -> None:
        self.here.set_policy(size, nics, ipv6, reserve)

    @rule(what=st.sampled_from(("break", "observe", "paused", "apply", "apply", "apply")))
    def govern(self, what: str) -> None:
        if what == "break":
            self.here.break_policy()
        else:
            self.here.set_mode(what)

    @rule(number=SOME, networks=st.integers(1, 2), waits=st.booleans())
    def run_pod(self, number: int, networks: int, waits: bool) -> None:
        self.here.run_pod(number, networks, waits)

    @rule(number=SOME)
    def run_pods(self, number: int) -> None:
        for _ in range(3):
            self.here.run_pod(number)

    @rule(number=SOME, how=st.sampled_from(("delete_pod", "delete_pod", "remove_pod", "hang_pod")))
    def end_pod(self, number: int, how: str) -> None:
        getattr(self.here, how)(number)

    @rule(what=st.sampled_from(("retry_pods", "touch_pools")))
    def others(self, what: str) -> None:
        getattr(self.here, what)()

    @rule(number=SOME, what=st.sampled_from(("delete_pool", "delete_node")))
    def delete_object(self, number: int, what: str) -> None:
        getattr(self.here, what)(number)

    @rule(up=st.sampled_from((False, True, True)))
    def controller(self, up: bool) -> None:
        self.here.controller(up)

    @rule(kind=EC2_KINDS, skip=st.integers(0, 3), writes_only=st.booleans())
    def ec2_fails(self, kind: str, skip: int, writes_only: bool) -> None:
        self.here.ec2_fails(kind, skip, writes_only)

    @rule(kind=CLUSTER_KINDS, skip=st.integers(0, 3), writes_only=st.booleans())
    def cluster_fails(self, kind: str, skip: int, writes_only: bool) -> None:
        self.here.cluster_fails(kind, skip, writes_only)

    @rule(seconds=st.sampled_from((10, 90, 600, 1500)))
    def api_down(self, seconds: int) -> None:
        self.here.api_down(seconds)

    @rule(factor=st.sampled_from((0.0, 0.3, 1.0)))
    def stale(self, factor: float) -> None:
        self.here.stale(factor)

    @rule(what=st.sampled_from(("lost", "doubled", "late")), count=st.integers(1, 4), seconds=st.sampled_from((5, 120, 400)))
    def disturb(self, what: str, count: int, seconds: int) -> None:
        self.here.disturb(what, count, seconds)

    @rule(skip=SKIP, after=st.booleans())
    def kill(self, skip: int, after: bool) -> None:
        self.here.kill(skip, after)

    @rule()
    def lose_sandboxes(self) -> None:
        self.here.lose_sandboxes()

    @rule(number=SOME, head_start=SKIP, turns=st.lists(st.integers(0, 1), max_size=12))
    def two_workers(self, number: int, head_start: int, turns: list[int]) -> None:
        self.here.two_workers(number, head_start, tuple(turns))

    def teardown(self) -> None:
        if self.sim is None:
            return
        sim, self.sim = self.sim, None
        try:
            if not sim.failed:
                sim.converge()
        finally:
            self.tally.steps += len(sim.script)
            self.tally.writes += sim.checker.judged
            for line in sim.script:
                name = line.partition("(")[0]
                self.tally.kinds[name] = self.tally.kinds.get(name, 0) + 1
            sim.__exit__(None, None, None)


class SimulationFailed(AssertionError):  # noqa: N818 - read as a sentence
    """A run broke something; the message ends with the shortest script that does so."""


def simulate(steps: int, seed_number: int, steps_a_world: int = 60, *, shrink: bool = True) -> Tally:
    """Make so many steps, deterministic by seed; raises SimulationFailed with a script, the shortest when it shrinks."""
    tally = Machine.tally = Tally()
    chosen = settings(
        max_examples=max(1, steps // steps_a_world),
        stateful_step_count=steps_a_world,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    try:
        run_state_machine_as_test(seed(seed_number)(Machine), settings=chosen)
    except Exception as error:
        text = f"seed {seed_number}: {error}\n\n{tally.newest.as_test() if tally.newest else ''}"
        raise SimulationFailed(text) from error
    return tally
