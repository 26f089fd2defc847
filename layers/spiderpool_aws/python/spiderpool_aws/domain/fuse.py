"""The fuse of invariant 10: a pass that would remove more than a tenth removes nothing until a person confirms it."""

import hashlib
from dataclasses import dataclass

from spiderpool_aws.domain.plan import Removals
from spiderpool_aws.domain.request import Fuse, FuseState

SHARE = 10
FEW = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is, to compare what would go with."""

    pools: int
    addresses: int
    nodes: int
    empty_listing: bool = False
    """EC2 listed no instance at all although there are pools: the wrong region or account, or a lost permission."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the fuse is after the pass. `digest` names what the pass would remove: a person confirms that, no more."""

    fuse: Fuse
    digest: str


def digest_of(removals: Removals) -> str:
    """Return a short name for exactly these removals; the same in every pass that would remove the same."""
    text = "\n".join([*sorted(removals.pools), "", *sorted(removals.addresses), "", *sorted(removals.nodes)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def judge(fuse: Fuse, removals: Removals, scale: Scale, confirm: str = "") -> Verdict:
    """Return the fuse after a pass.

    whole     -> tripped when the pass would remove too much
    tripped   -> stays so until a person confirms the digest of what the pass would remove
    confirmed -> these very removals may be done; whole again when the pass removes little, tripped by other ones
    """
    digest, excess = digest_of(removals), _excess(removals, scale)
    if confirm == digest:
        return Verdict(Fuse(FuseState.CONFIRMED, digest) if excess else Fuse(), digest)
    if confirm:
        reason = (
            f"{confirm!r} is not the digest of what would be removed now, which is {digest!r}: look at a dry run again"
        )
        return (
            Verdict(Fuse(FuseState.TRIPPED, digest, reason), digest) if excess or fuse.held else Verdict(fuse, digest)
        )
    if fuse.state is FuseState.TRIPPED:
        return Verdict(fuse, digest)
    if not excess:
        return Verdict(Fuse(), digest)
    if fuse.state is FuseState.CONFIRMED and fuse.digest == digest:
        return Verdict(fuse, digest)
    return Verdict(
        Fuse(FuseState.TRIPPED, digest, f"{excess}: nothing is removed until somebody confirms {digest}"), digest
    )


def _excess(removals: Removals, scale: Scale) -> str:
    if scale.empty_listing:
        return "EC2 listed no instance of the cluster although it has pools"
    for what, count, total in (
        ("pools", len(removals.pools), scale.pools),
        ("addresses", removals.address_count, scale.addresses),
        ("nodes", len(removals.nodes), scale.nodes),
    ):
        if count > FEW and count * SHARE > total:
            return f"the pass would remove {count} of {total} {what}"
    return ""
