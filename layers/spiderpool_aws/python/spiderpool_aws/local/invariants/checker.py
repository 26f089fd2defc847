"""Listens to both sides, has every write of the system judged, and says at each step whether one broke an invariant."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.pool import FIELD_MANAGER
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.local.cluster import ClusterDouble, ClusterWrite
from spiderpool_aws.local.cluster.double import PRODUCT
from spiderpool_aws.local.ec2 import Ec2Call, Ec2Model
from spiderpool_aws.local.ec2.autoscaling import AutoScaling, CompletedAction
from spiderpool_aws.local.invariants.amounts import AmountRules
from spiderpool_aws.local.invariants.conduct import ConductRules
from spiderpool_aws.local.invariants.ec2 import Ec2Rules
from spiderpool_aws.local.invariants.history import History
from spiderpool_aws.local.invariants.objects import ObjectRules
from spiderpool_aws.local.invariants.passes import PassRules
from spiderpool_aws.local.invariants.pools import PoolRules
from spiderpool_aws.local.invariants.releases import ReleaseRules
from spiderpool_aws.local.invariants.reservations import RESERVED, ReservationRules
from spiderpool_aws.local.invariants.truth import Truth, read_pool
from spiderpool_aws.local.invariants.violations import InvariantError, Violation

MOST_PROBES = 2
"""So often a quarter of an hour's rest may ask one subnet for one thing: the pauses grow to half an hour (ADR 21)."""
EXHAUSTED = {"InsufficientFreeAddressesInSubnet", "InsufficientCidrBlocks"}


class InvariantChecker:
    """Made before the first write. `roles` are those of the functions; `policy` returns the one that is in force.

    `held` says why nothing may be removed from the living (the fuse); empty: it may.
    """

    def __init__(
        self,
        model: Ec2Model,
        double: ClusterDouble,
        roles: Iterable[str],
        policy: Callable[[], Policy],
        held: Callable[[], str] = lambda: "",
    ) -> None:
        self._roles = frozenset(roles)
        self._history = History(model)
        self._truth = Truth(model, double, policy, self._history, self._broken)
        self._pools, self._objects = PoolRules(self._truth), ObjectRules(self._truth)
        self._amounts, self._releases = AmountRules(self._truth), ReleaseRules(self._truth)
        self._reservations = ReservationRules(self._truth)
        self._ec2 = Ec2Rules(self._truth, self._amounts, self._releases)
        self._conduct = ConductRules(self._truth, held)
        self._held, self._passes = held, PassRules(self._truth)
        self.violations: list[Violation] = []
        self.judged = 0
        """How many writes took effect and were judged."""
        self.attempts = 0
        """How many writes were tried, the refused ones too, but for the probes."""
        self._probes: Counter[str] = Counter()
        model.observe(self._on_ec2)
        double.observe(self._on_cluster)

    @property
    def probes(self) -> int:
        """Return how often a subnet without room was asked: nobody tells when it has some, or a whole block, again."""
        return self._probes.total()

    @property
    def refused(self) -> dict[str, int]:
        """Return how often EC2 refused a call of the system, by code."""
        return dict(self._ec2.refused)

    def watch(self, autoscaling: AutoScaling) -> None:
        """Judge the life-cycle actions, too."""
        autoscaling.observe(self._on_completed)

    def judge_pass(self, agreed: Mapping[str, int]) -> None:
        """Judge what a pass over the whole cluster, which has just ended, lets go: has the fuse tripped that should?

        `agreed` is how many "pools" and "addresses" a person has agreed to.
        """
        self._passes.judge(self._held(), agreed)

    @contextmanager
    def two_workers(self) -> Iterator[None]:
        """Judge in the end only how much was assigned: two workers are at one instance (a visibility time-out ran out).

        An assignment has no client token, so neither can know what the other has under way; the surplus goes later.
        """
        with self._amounts.two_workers():
            yield

    def check(self) -> None:
        """Raise InvariantError when a write since the start broke an invariant, or the pools of the system overlap."""
        problems = [str(violation) for violation in self.violations]
        problems += [f"invariant 4: {message}" for message in self._overlaps()]
        if problems:
            raise InvariantError("\n".join(problems))

    def assert_idle(self, run: Callable[[], object]) -> None:
        """Run something on a converged system; raise InvariantError when it tried to write anything (invariant 8).

        What has come to rest has no NIC left over either (invariant 6), and keeps nothing back that no pool lists.
        """
        before, probes = self.attempts, self._probes.copy()
        run()
        self.check()
        self.assert_no_leaks()
        if self.attempts != before:
            raise InvariantError(f"invariant 8: {self.attempts - before} writes to a converged system")
        asked = [what for what, count in (self._probes - probes).items() if count > MOST_PROBES]
        if asked:
            raise InvariantError(f"invariant 8: a full subnet is asked again and again: {', '.join(asked)}")

    def assert_no_leaks(self) -> None:
        """Raise InvariantError when a NIC that the system created would outlive its instance; and `assert_kept_back`.

        To be asked when the system has come to rest: on the way a NIC is created before it is attached.
        """
        leaks = [f"invariant 6: {leak}" for leak in self._ec2.leaks()]
        if leaks:
            raise InvariantError("\n".join(leaks))
        self.assert_kept_back()

    def assert_kept_back(self) -> None:
        """Raise InvariantError when pods are kept from what they may have, or not from what another NIC has.

        To be asked when the system has come to rest: an address leaves its pool before its reservation ends.
        """
        wrong = [f"invariant 8: {what}" for what in (*self._reservations.left_over(), *self._reservations.lacking())]
        if wrong:
            raise InvariantError("\n".join(wrong))

    def _on_cluster(self, write: ClusterWrite) -> None:
        # The functions write as their own user; whoever else writes in our name is a person who has pools adopted.
        adopts = write.user != PRODUCT and write.field_manager == FIELD_MANAGER
        if write.user != PRODUCT and not adopts:
            return
        self.attempts += 1
        if write.status >= 400:
            return
        self.judged += 1
        if adopts:
            self._pools.judge_adoption(write)
            return
        self._conduct.judge_cluster(write)
        if write.resource == "spiderippools":
            before, after = read_pool(write.before), read_pool(write.after)
            self._pools.judge(write)
            self._amounts.judge_shrink(before, after)
            self._releases.judge_pool(before, after)
        elif write.resource == RESERVED:
            self._reservations.judge(write)
        else:
            self._objects.judge(write)

    def _on_ec2(self, call: Ec2Call) -> None:
        new = self._history.take_new()
        if call.caller not in self._roles or call.operation.startswith("Describe"):
            return
        if not call.took_effect and getattr(call.error, "code", "") in EXHAUSTED:
            self._probes[self._asked(call)] += 1
        else:
            self.attempts += 1
        self.judged += call.took_effect
        self._conduct.judge_ec2(call)
        self._ec2.judge(call, new)

    def _asked(self, call: Ec2Call) -> str:
        nic = self._truth.model.enis.get(str(call.params.get("NetworkInterfaceId")))
        subnet = nic.subnet_id if nic is not None else call.params.get("SubnetId")
        return f"{call.operation} {subnet} {' '.join(sorted(name for name in call.params if name.endswith('Count')))}"

    def _on_completed(self, done: CompletedAction) -> None:
        if done.caller in self._roles:
            self._conduct.judge_completed(done)

    def _overlaps(self) -> Iterable[str]:
        for family in IPFamily:
            ours = [pool for pool in self._truth.pools() if pool.family is family and pool.identity is not None]
            spans = sorted((first, last, pool.name) for pool in ours for first, last in pool.offered.spans)
            for (_, last, name), (first, _, other) in pairwise(spans):
                if first <= last:
                    yield f"{family.address(first)} is in {name} and in {other}"

    def _broken(self, invariant: int, message: str) -> None:
        self.violations.append(Violation(invariant, message))
