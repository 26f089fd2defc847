"""What a pass over the whole cluster says to the fuse (invariant 10, ADR 18). Pure.

A policy is judged once, by all that it takes away in the end, before anybody carries it out; from then on each pass is
judged by what it would remove itself.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from spiderpool_aws.domain.actions.removals import Removals
from spiderpool_aws.domain.fuse import Bound, Fuse, FuseState

SHARE = 10
FEW = 5
CONFIRMATION_LASTS = timedelta(hours=24)
"""A lowering waits for pods to let go of their addresses; what is not gone by then is judged as ever."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is, to compare what would go with."""

    pools: int
    addresses: int
    nodes: int
    empty_listing: bool = False
    """EC2 listed no instance at all although there are pools: the wrong region or account, or a lost permission."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a pass found."""

    policy: str
    """`Policy.digest` of the policy in force."""
    scale: Scale
    now: datetime
    certain: Removals = field(default_factory=Removals)
    """What would go now."""
    removals: Removals = field(default_factory=Removals)
    """The same, and what one look only has not found."""
    lowered: Removals = field(default_factory=Removals)
    """What a size takes away as soon as no pod uses it."""
    surplus: Removals = field(default_factory=Removals)
    """What elastic sizes give back now or in some minutes: none of the fuse's business under a judged policy."""

    def due(self, base: Removals, *, judged: bool) -> Removals:
        """Return what a pass is judged by: under a policy that was not judged yet, by all that it takes away."""
        return base if judged else base | self.lowered | self.surplus

    def asked(self, base: Removals, *, judged: bool) -> Removals:
        """Return what a person is asked about: pods that come and go change nothing of it."""
        return base | self.lowered if judged else base | self.lowered | self.surplus

    def bound(self, removals: Removals) -> Bound:
        """Return how much that is."""
        return Bound(
            len(removals.pools),
            removals.address_count,
            len(removals.nodes),
            empty_listing=self.scale.empty_listing,
            about=_hash(self.policy, removals.pools, removals.nodes),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the fuse is after the pass."""

    fuse: Fuse
    digest: str
    """Names what the pass would remove: a person confirms that, and no more."""
    asked: Bound
    """How much that is."""
    excess: str
    """Why the pass removes too much; empty when it does not."""


def digest_of(policy: str, removals: Removals) -> str:
    """Return a short name for so much of the same pools, the same Nodes, and the same policy.

    Which addresses of a pool go depends on what pods use at the moment, so it does not count: only how many.
    """
    addresses = (f"{name} {count}" for name, count in removals.addresses.items())
    return _hash(policy, removals.pools, addresses, removals.nodes)


def _hash(policy: str, *names: Iterable[str]) -> str:
    text = json.dumps([policy, *(sorted(some) for some in names)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def judge(fuse: Fuse, evidence: Evidence, confirm: str = "") -> Verdict:
    """Return the fuse after a pass.

    whole     -> tripped when the pass would remove too much, or when the policy is another one and would, in the end
    tripped   -> stays so until a person confirms the digest of what the pass would remove
                 (or, where doubts alone tripped it, until so little is doubted that it would not trip)
    confirmed -> so much may go under this policy, for a day: it is used up as it goes; whole again when little is left
                 of it, tripped when too much else would go
    """
    case = _Case(fuse, evidence)
    after = case.agreed() if confirm == case.digest else case.after()
    if confirm != case.digest and confirm and after.held:
        wrong = f"{confirm!r} is not the digest of what would be removed now, which is {case.digest!r}"
        after = replace(after, digest=case.digest, bound=case.asked, reason=f"{wrong}: look at a dry run again")
    return Verdict(after, case.digest, case.asked, case.excess)


class _Case:
    """The fuse before the pass, and what the pass found."""

    def __init__(self, fuse: Fuse, evidence: Evidence) -> None:
        self._fuse, self._evidence = fuse, evidence
        self._judged = fuse.policy == evidence.policy
        asked = evidence.asked(evidence.removals, judged=self._judged)
        self.asked = evidence.bound(asked)
        self.digest = digest_of(evidence.policy, asked)
        # A surplus of elastic sizes is another one at each look: no more of the same keeps its name.
        still = fuse.state is FuseState.TRIPPED and fuse.bound.covers(self.asked)
        if still and _too_much(self.asked, evidence.scale):
            self.digest = fuse.digest
        self.excess = self._excess(evidence.removals)

    def agreed(self) -> Fuse:
        """Return the fuse when a person agrees."""
        if not _too_much(self.asked, self._evidence.scale):
            return self._whole()
        now, policy = self._evidence.now, self._evidence.policy
        return Fuse(FuseState.CONFIRMED, self.digest, since=now, policy=policy, bound=self.asked)

    def after(self) -> Fuse:
        """Return the fuse when nobody says anything."""
        fuse, doubtful = self._fuse, bool(self.excess) and not self._excess(self._evidence.certain)
        if fuse.state is FuseState.TRIPPED and (not fuse.doubtful or doubtful):
            # What is asked for may have become more; a trip that was certain never becomes a doubtful one.
            same = fuse.digest == self.digest or not self.excess
            return fuse if same else self._tripped(doubtful=fuse.doubtful)
        if self.excess:
            return self._tripped(doubtful=doubtful)
        if self._confirmed and _too_much(self.asked, self._evidence.scale):
            return replace(fuse, bound=fuse.bound.used_up(self.asked))
        return self._whole()

    @property
    def _confirmed(self) -> bool:
        """Tell whether a confirmation holds: for this policy, and for a day."""
        fuse = self._fuse
        if fuse.state is not FuseState.CONFIRMED or not self._judged or fuse.since is None:
            return False
        return self._evidence.now - fuse.since < CONFIRMATION_LASTS

    def _excess(self, base: Removals) -> str:
        evidence, judged = self._evidence, self._judged
        if self._confirmed:
            more = evidence.bound(evidence.asked(base, judged=judged)).beyond(self._fuse.bound)
            text = _too_much(more, evidence.scale)
            return f"{text} beyond what was confirmed" if text else ""
        return _too_much(evidence.bound(evidence.due(base, judged=judged)), evidence.scale)

    def _whole(self) -> Fuse:
        return Fuse(since=self._evidence.now, policy=self._evidence.policy)

    def _tripped(self, *, doubtful: bool) -> Fuse:
        return Fuse(
            FuseState.TRIPPED,
            self.digest,
            f"{self.excess}: nothing is removed until somebody confirms {self.digest}",
            since=self._evidence.now,
            doubtful=doubtful,
            policy=self._fuse.policy,
            bound=self.asked,
        )


def _too_much(bound: Bound, scale: Scale) -> str:
    if bound.empty_listing:
        return "EC2 listed no instance of the cluster although it has pools"
    for what, count, total in (
        ("pools", bound.pools, scale.pools),
        ("addresses", bound.addresses, scale.addresses),
        ("nodes", bound.nodes, scale.nodes),
    ):
        if count > FEW and count * SHARE > total:
            return f"the pass would remove {count} of {total} {what}"
    return ""
