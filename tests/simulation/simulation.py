"""The simulated world: a cluster on the local stack, the steps that happen in it, and what must hold after each.

Every step is a method with plain arguments, so that a run is a script that can be read and replayed.
"""

import functools
import json
from contextlib import suppress
from types import TracebackType

from spiderpool_aws.local.cluster.answers import ApiError
from spiderpool_aws.local.invariants import InvariantChecker
from spiderpool_aws.local.kubelet import Kubelets
from tests.simulation.goal import unmet
from tests.simulation.policies import policy_text
from tests.simulation.script import Step, as_test, step
from tests.simulation.stack import SimulationStack
from tests.simulation.steps_cluster import ClusterSteps
from tests.simulation.steps_faults import FaultSteps
from tests.simulation.steps_scaling import ScalingSteps

QUIET_SECONDS = 660
"""How long nothing is written before it counts as rest: two resyncs, and whatever waits ten minutes."""
LONGEST_SECONDS = 2 * 3600
"""A refused attach is not tried again for half an hour; an absence, and an orphan, take ten minutes each."""
IDLE_SECONDS = 900


class Simulation(ScalingSteps, ClusterSteps, FaultSteps):
    """A context manager; inside of it steps can be made."""

    def __init__(self, *, ipv6: str = "", small: bool = False) -> None:
        self.script: list[Step] = []
        self.crowding, self.left_alone = [], set()
        self.options = {"ipv6": ipv6, "small": small}
        self.mode = "apply"
        self.policy = functools.partial(policy_text, ipv6=ipv6)
        self.stack = SimulationStack(self.policy())
        model, cluster = self.stack.model, self.stack.cluster
        self.checker = InvariantChecker(model, cluster, self.stack.role_arns, self.stack.policy, self.stack.held)
        self.checker.watch(self.stack.autoscaling)
        self.stack.after_pass = lambda: self.checker.judge_pass(self.stack.agreed())
        self.kubelets = Kubelets(model, cluster, self.stack.agent)
        self.build_network(small=small)

    def __enter__(self) -> "Simulation":
        self.stack.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stack.__exit__(kind, error, traceback)

    def check(self) -> None:
        """Raise when a write broke an invariant, or a handler raised what is no outcome."""
        self.checker.check()
        assert not self.stack.surprises, self.stack.surprises

    @step
    def set_policy(self, size: str, nics: int = 2, ipv6: str = "", reserve: int = 0) -> None:
        """Let a person write another policy."""
        self.policy = functools.partial(policy_text, size, nics=nics, ipv6=ipv6, reserve=reserve)
        self.stack.put_policy(self.policy(mode=self.mode))

    @step
    def break_policy(self) -> None:
        """Let a person write a policy that nobody can read: nothing changes."""
        self.stack.put_policy("version: 2\n")

    @step
    def set_mode(self, mode: str) -> None:
        """Let a person change the mode."""
        self.mode = mode
        self.stack.put_policy(self.policy(mode=mode))

    @step
    def confirm(self) -> None:
        """Let a person look at the fuse, and confirm what it holds."""
        digest = self.stack.fuse().get("digest")
        if digest:
            self.stack.bus.invoke_resync({"confirm": digest})

    @step
    def converge(self) -> None:
        """Let faults stop: everything reaches its plan in a bounded time, and then nothing is written any more."""
        self.stack.faults.stop()
        self.stack.disturbed.clear()
        self.stack.staleness.factor = 0.0
        self.stack.cluster.controller_up = True
        self._leave()
        self._take_back()
        self.group.put_warm_pool(0)
        self._start_all()
        self._restart_kubelets()
        if self.options["small"]:
            # What does not fit is asked for for ever, and told: a person asks for what the subnets have.
            self.policy = functools.partial(policy_text, "two", **self.policy.keywords)
        self.stack.put_policy(self.policy(mode="apply"))
        well_since = self.stack.clock.now()
        self._come_to_rest()
        self.checker.assert_kept_back()
        heirs = self._follow_advice()
        self._come_to_rest()
        self.checker.assert_idle(lambda: self.stack.bus.advance(IDLE_SECONDS))
        problems = list(unmet(self.stack, self.stack.policy()))
        late = (action for action in self.group.room.ran_out if action.heartbeat >= well_since)
        problems += [f"nobody completed {a.hook.name} of {a.instance_id}" for a in late if a.instance_id not in heirs]
        assert not problems, "invariant 8: " + "; ".join(problems)

    def _come_to_rest(self) -> None:
        passed = quiet = 0
        while quiet < QUIET_SECONDS:
            before = self.checker.attempts
            self.stack.bus.advance(60)
            self.check()
            self._confirm_tripped()
            passed += 60
            waits = any(member.actions for member in self.group._members.values())
            quiet = quiet + 60 if self.checker.attempts == before and not waits else 0
            assert passed < LONGEST_SECONDS, f"invariant 8: it still writes {passed // 60} minutes after the last fault"

    def _follow_advice(self) -> set[str]:
        """Do what the product asks people to do, when it has come to rest; return whose launches waited for that.

        The Node of an instance that died while it was to be left alone stays. A pool that somebody deleted goes when
        its pods go, and so does a pod whose address somebody took away. The Node of a dead instance that nothing proves
        to be its has to be deleted where a new instance's kubelet adopted it.
        """
        for pool in self.stack.cluster.objects("spiderippools"):
            eni_id = pool["metadata"].get("labels", {}).get("spiderpool-aws/eni", "")
            for address, record in json.loads(pool.get("status", {}).get("allocatedIPs") or "{}").items():
                if "deletionTimestamp" in pool["metadata"] or self.model.holder_of(address) != eni_id:
                    with suppress(ApiError):
                        self.stack.agent.delete_pod(*record["pod"].split("/"))
        nodes = {node["metadata"]["name"]: node for node in self.stack.cluster.objects("nodes")}
        for name, known in nodes.items():
            if str(known["spec"].get("providerID", "")).rpartition("/")[2] in self.left_alone:
                self._delete_node(name)
        heirs = set()
        for instance in self.live():
            node = nodes.get(instance.private_dns_name)
            if node and instance.state == "running" and not self.checker._truth.proves(node, instance):
                self._delete_node(instance.private_dns_name)
                heirs.add(instance.id)
        self._restart_kubelets()
        return heirs

    def _restart_kubelets(self) -> None:
        """A kubelet whose Node somebody deleted registers again when it is restarted, and not before."""
        known = {node["metadata"]["name"] for node in self.stack.cluster.objects("nodes")}
        for instance in self.live():
            if instance.state == "running" and instance.private_dns_name not in known:
                self.kubelets._join(instance.id)

    def _confirm_tripped(self) -> None:
        """Whatever is held is confirmed: that the fuse trips is right, that nothing happens then would not converge."""
        fuse = self.stack.fuse()
        if fuse.get("state") == "tripped" and fuse.get("digest"):
            self.stack.bus.invoke_resync({"confirm": fuse["digest"]})

    def as_test(self) -> str:
        """Return what happened as the text of a file for `tests/simulation/cases`."""
        return as_test(self.script, self.options)
