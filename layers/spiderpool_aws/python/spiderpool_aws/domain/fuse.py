"""The fuse of invariant 10: a pass that would remove more than a tenth removes nothing until a person confirms it."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from spiderpool_aws.domain.actions.removals import Removals
from spiderpool_aws.domain.documents import read_object

SHARE = 10
FEW = 5


class FuseState(StrEnum):
    """The fuse of invariant 10."""

    WHOLE = "whole"
    TRIPPED = "tripped"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Fuse:
    """Whether removals are held. `digest` names the removals that tripped it, or that a person confirmed."""

    state: FuseState = FuseState.WHOLE
    digest: str = ""
    reason: str = ""
    since: datetime | None = field(default=None, compare=False)
    doubtful: bool = False
    """It tripped on doubts alone: when those clear by themselves, so does it (ADR 0008)."""

    @property
    def held(self) -> str:
        """Return why removals are held; empty when they are not."""
        return self.reason or "the fuse is tripped" if self.state is FuseState.TRIPPED else ""

    def to_document(self) -> dict[str, str | bool | None]:
        """Return what `parse_fuse` reads."""
        since = self.since.isoformat() if self.since else None
        said: dict[str, str | bool | None] = {
            "state": str(self.state),
            "digest": self.digest,
            "reason": self.reason,
            "since": since,
        }
        return {**said, "doubtful": True} if self.doubtful else said


def parse_fuse(text: str, where: str) -> Fuse:
    """Return the fuse of a JSON text. One that cannot be read is tripped, and `reason` says so.

    On the safe side: who cannot tell whether removals are held, holds them.
    """
    try:
        return _parse_fuse(text)
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{where} cannot be read ({error!r}): delete it to make the fuse whole"
        return Fuse(state=FuseState.TRIPPED, reason=reason)


def _parse_fuse(text: str) -> Fuse:
    document = read_object(text)
    since = datetime.fromisoformat(document["since"]) if document.get("since") else None
    if since is not None and since.tzinfo is None:
        raise ValueError("since has no time zone")
    return Fuse(
        state=FuseState(document["state"]),
        digest=str(document.get("digest", "")),
        reason=str(document.get("reason", "")),
        doubtful=document.get("doubtful") is True,
        since=since,
    )


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


def judge(
    fuse: Fuse, removals: Removals, scale: Scale, confirm: str = "", *, certain: Removals | None = None
) -> Verdict:
    """Return the fuse after a pass.

    whole     -> tripped when the pass would remove too much
    tripped   -> stays so until a person confirms the digest of what the pass would remove
                 (or, where doubts alone tripped it, until so little is doubted that it would not trip)
    confirmed -> these very removals may be done; whole again when the pass removes little, tripped by other ones

    `certain` are the removals without what one look only has not found; all of them when it is left out.
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
    doubtful = bool(excess) and certain is not None and not _excess(certain, scale)
    if fuse.state is FuseState.TRIPPED and (not fuse.doubtful or doubtful):
        return Verdict(fuse, digest)
    if not excess:
        return Verdict(Fuse(), digest)
    if fuse.state is FuseState.CONFIRMED and fuse.digest == digest:
        return Verdict(fuse, digest)
    return Verdict(
        Fuse(
            FuseState.TRIPPED,
            digest,
            f"{excess}: nothing is removed until somebody confirms {digest}",
            doubtful=doubtful,
        ),
        digest,
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
