"""Every crash point: the worker is stopped at each single call, before it and after it took effect, and starts again.

    make the scenario's world, bring it to where the scenario begins, let the scenario happen
    once undisturbed                   count the worker's calls; keep where it ends and what it changed in EC2
    once for each call, before, after  the same end, nothing leaked, and not one change of EC2 more

Source of the rule: invariant 9 (docs/architecture.md).
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from spiderpool_aws.domain.cluster.pool import SpiderIPPool
from tests.simulation.faults import Kill, WorkerCall
from tests.simulation.goal import unmet
from tests.simulation.simulation import Simulation

SETTLE_SECONDS = 2400
"""A killed worker's messages come back after six minutes, and an orphan is deleted after ten."""


@dataclass(frozen=True)
class Scenario:
    """`prepare` brings a world to where the scenario begins, with a worker that is well; `happen` is what is tried."""

    name: str
    happen: Callable[[Simulation], None]
    prepare: Callable[[Simulation], None] = lambda _sim: None
    ipv6: str = ""


@dataclass(frozen=True)
class End:
    """Where a world has come to, without the names and numbers that another order of calls may give."""

    nics: tuple[tuple[int, int, int, bool], ...]
    """Of each attached NIC: device index, secondary IPv4 and IPv6 addresses, whether it goes with its instance."""
    pools: tuple[tuple[str, int, bool], ...]
    """Of each pool: its host NIC and family, how many addresses, whether it may be used."""
    nodes: tuple[tuple[bool, int], ...]
    """Of each Node: whether it has a providerID, and how many taints."""
    loose: int
    """NICs that are attached to nothing."""


@dataclass
class Outcome:
    """What a run of a scenario came to."""

    end: End
    changes: Counter[str]
    """Calls that changed EC2, and life-cycle actions that were completed, by operation."""
    calls: list[WorkerCall]
    problems: list[str]


def run(scenario: Scenario, kill: Kill | None = None) -> Outcome:
    """Run a scenario; the worker is killed once if a kill is given."""
    with Simulation(ipv6=scenario.ipv6) as sim:
        scenario.prepare(sim)
        sim.stack.faults.calls.clear()
        before = _changes(sim)
        sim.stack.faults.kill = kill
        scenario.happen(sim)
        sim.advance(SETTLE_SECONDS)
        calls = list(sim.stack.faults.calls)
        changes = _changes(sim) - before
        sim.make_room()
        problems = list(unmet(sim.stack, sim.stack.policy()))
        if kill is not None and sim.stack.faults.kill is not None:
            problems.append("the worker was not killed: the scenario has fewer calls than it had")
        sim.checker.assert_idle(lambda: sim.advance(330))
        return Outcome(_end(sim), changes, calls, problems)


def crash_points(scenario: Scenario, *, everywhere: bool = False) -> Iterator[tuple[Kill, list[str]]]:
    """Yield each crash point of a scenario that differs from the others, and what went wrong there.

    What a stopped worker leaves behind is what it wrote. So to stop after a read is to stop before it, and before a
    call is after the one before it, unless an invocation began in between. `everywhere` believes none of this.
    """
    plain = run(scenario)
    assert not plain.problems, f"{scenario.name}: {plain.problems}"
    for number, call in enumerate(plain.calls):
        begins = not number or plain.calls[number - 1].invocation != call.invocation
        if begins or everywhere:
            yield Kill(number, after=False), _compare(plain, scenario, Kill(number, after=False))
        if call.is_write or everywhere:
            yield Kill(number, after=True), _compare(plain, scenario, Kill(number, after=True))


def _compare(plain: Outcome, scenario: Scenario, kill: Kill) -> list[str]:
    try:
        crashed = run(scenario, kill)
    except AssertionError as error:
        return [str(error)]
    problems = list(crashed.problems)
    if crashed.end != plain.end:
        problems.append(f"it ended in {crashed.end}, undisturbed in {plain.end}")
    if more := crashed.changes - plain.changes:
        problems.append(f"calls beyond the plan: {dict(more)}")
    return problems


def _changes(sim: Simulation) -> Counter[str]:
    roles = sim.stack.role_arns
    ours = [call for call in sim.model.calls if call.caller in roles and call.took_effect]
    completed = (call for call in sim.stack.autoscaling.calls if call.operation == "CompleteLifecycleAction")
    ours += [call for call in completed if call.took_effect]
    return Counter(call.operation for call in ours if not call.operation.startswith("Describe"))


def _end(sim: Simulation) -> End:
    attached = [eni for eni in sim.model.enis.values() if eni.attachment is not None]
    nics = sorted(
        (e.attachment.device_index, e.ipv4_slots, e.ipv6_slots, e.attachment.delete_on_termination)
        for e in attached
        if e.attachment is not None
    )
    pools = [SpiderIPPool.model_validate(stored).to_pool() for stored in sim.stack.cluster.objects("spiderippools")]
    kept = sorted((f"{p.spec.multus_name} {p.family}", p.spec.ips.count(), not p.spec.disable) for p in pools)
    nodes = [node["spec"] for node in sim.stack.cluster.objects("nodes")]
    prepared = sorted((bool(spec.get("providerID")), len(spec.get("taints", ()))) for spec in nodes)
    return End(tuple(nics), tuple(kept), tuple(prepared), len(sim.model.enis) - len(attached))


def _four(nics: int) -> Callable[[Simulation], None]:
    return lambda sim: sim.launch(nics, kind="m5.xlarge")


def _four_wanted(sim: Simulation) -> None:
    sim.set_policy("three", nics=4)


def _running(sim: Simulation) -> None:
    sim.launch(1)
    sim.advance(120)


def _running_with_pods(sim: Simulation) -> None:
    _running(sim)
    sim.run_pod(0)
    sim.run_pod(0, networks=2)


def _hand_over(sim: Simulation) -> None:
    """The dead node's addresses go to the next one while its pools still list them.

    Not its primary address: a kubelet that adopts the Node of the dead is reported, and left to people.
    """
    sim.terminate(0)
    sim.advance(25)
    free = sim.model.subnets[sim.network.subnets["nodes"]].ipv4.free_count
    sim.crowd("nodes", free - 1)
    sim.launch(1)


def _heir(sim: Simulation) -> None:
    """The next instance adopts the dead one's Node before we know of the death, and goes when EC2 has forgotten it."""
    sim.model.world.options = replace(sim.model.world.options, terminated_kept_seconds=900)
    sim.disturb("lost", 3)
    sim.terminate(0)
    sim.advance(25)
    sim.launch(1)
    sim.advance(1000)
    sim.terminate(0)


def _orphan(sim: Simulation) -> None:
    """A NIC of ours is detached, and before we know another one takes its device index: ours belongs to nobody."""
    sim.detach(0)
    sim.advance(10)
    sim.attach(0, index=1, filled=5)


def _in_a_group(sim: Simulation) -> None:
    sim.hooks("both")
    sim.scale(1)
    sim.advance(180)
    sim.run_pod(0)


def _scale_down_and_up(sim: Simulation) -> None:
    """One instance waits for its launch hook, another one for its termination hook until its pod is gone."""
    sim.scale(2)
    sim.advance(90)
    sim.delete_pod(0)
    sim.replace(0)


SCENARIOS = (
    Scenario("launch, 1 NIC", lambda sim: sim.launch(1), lambda sim: sim.set_policy("five", nics=1)),
    Scenario("launch, 2 NICs, one created", lambda sim: sim.launch(1)),
    Scenario("launch, 2 NICs, one created, dual stack", lambda sim: sim.launch(1), ipv6="addresses"),
    Scenario("launch, 2 NICs, pinned", lambda sim: sim.launch(2)),
    Scenario("launch, 2 NICs, pinned and filled", lambda sim: sim.launch(2, 5)),
    Scenario("launch, 4 NICs, three created", _four(1), _four_wanted),
    Scenario("launch, 4 NICs, pinned", _four(4), _four_wanted),
    Scenario("grow", lambda sim: sim.set_policy("nine"), _running),
    Scenario("shrink", lambda sim: sim.set_policy("three"), _running_with_pods),
    Scenario("hand-over", _hand_over, _running_with_pods),
    Scenario("terminate", lambda sim: sim.terminate(0), _running_with_pods),
    Scenario("an heir of the dead one's Node", _heir, _running_with_pods),
    Scenario("clean-up of an orphan", _orphan, _running),
    Scenario("launch and termination hooks", _scale_down_and_up, _in_a_group),
    Scenario("turn IPv6 on", lambda sim: sim.set_policy("five", ipv6="prefix"), _running),
)


def chosen(given: Sequence[str] | None = None) -> list[Scenario]:
    """Return the scenarios that the command line names; all of them when it names none."""
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.crash_points",
        description="Stop the worker at every call of each scenario, and compare where it ends.",
        epilog=f"scenarios: {'; '.join(by_name)}",
    )
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help="its name, in quotes; without one all run")
    names = parser.parse_args(given).scenarios
    if unknown := [name for name in names if name not in by_name]:
        parser.error(f"there is no scenario {unknown[0]!r}: take of {'; '.join(by_name)}")
    return [by_name[name] for name in names or by_name]


def main() -> int:
    """Stop everywhere, believing nothing of what makes some points alike; print what there was."""
    points = broken = 0
    for scenario in chosen():
        found = list(crash_points(scenario, everywhere=True))
        points += len(found)
        print(f"{scenario.name}: {len(found)} crash points")
        for kill, problems in found:
            if problems:
                broken += 1
                print(f"  {kill}: {'; '.join(problems)}")
    print(f"{points} crash points, {broken} of them end in another way")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
