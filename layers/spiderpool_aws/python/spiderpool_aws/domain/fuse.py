"""The fuse of invariant 10: what a pass over the whole cluster has said of removals, for all that remove.

It names the policy that such a pass has judged. Nothing is removed under another one: a worker that an event wakes
knows one node, and cannot tell that the policy lowers them all.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from spiderpool_aws.domain.documents import read_object


class FuseState(StrEnum):
    """The fuse of invariant 10."""

    WHOLE = "whole"
    TRIPPED = "tripped"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Bound:
    """How much may go: what a person is asked about, or has agreed to and is not gone yet."""

    pools: int = 0
    addresses: int = 0
    nodes: int = 0
    empty_listing: bool = False
    """EC2 listed no instance of the cluster although it has pools."""
    about: str = ""
    """Names the policy, the whole pools and the Nodes."""

    def covers(self, other: "Bound") -> bool:
        """Tell whether something else is no more of the same."""
        return self.about == other.about and other.beyond(self) == Bound()

    def beyond(self, agreed: "Bound") -> "Bound":
        """Return what is more than somebody has agreed to."""
        return Bound(
            max(0, self.pools - agreed.pools),
            max(0, self.addresses - agreed.addresses),
            max(0, self.nodes - agreed.nodes),
            self.empty_listing and not agreed.empty_listing,
        )

    def used_up(self, left: "Bound") -> "Bound":
        """Return what is still agreed to when so much is left of it: never more than before."""
        return replace(
            self,
            pools=min(self.pools, left.pools),
            addresses=min(self.addresses, left.addresses),
            nodes=min(self.nodes, left.nodes),
        )

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        counts = {"pools": self.pools, "addresses": self.addresses, "nodes": self.nodes, "about": self.about}
        return counts | ({"emptyListing": True} if self.empty_listing else {})


@dataclass(frozen=True, slots=True)
class Fuse:
    """Whether removals are held, as the last pass that had something to say left it."""

    state: FuseState = FuseState.WHOLE
    digest: str = ""
    """Names what tripped it, or what a person has confirmed."""
    reason: str = ""
    since: datetime | None = field(default=None, compare=False)
    doubtful: bool = False
    """It tripped on doubts alone: when those clear by themselves, so does it (ADR 0008)."""
    policy: str = ""
    """`Policy.digest` of the policy whose removals were judged and found few, or confirmed; empty: of none yet."""
    bound: Bound = field(default_factory=Bound)
    """How much `digest` stands for."""

    @property
    def held(self) -> str:
        """Return why removals are held; empty when they are not."""
        return self.reason or "the fuse is tripped" if self.state is FuseState.TRIPPED else ""

    def to_document(self) -> dict[str, Any]:
        """Return what `parse_fuse` reads."""
        since = self.since.isoformat() if self.since else None
        said: dict[str, Any] = {
            "state": str(self.state),
            "digest": self.digest,
            "reason": self.reason,
            "since": since,
            "policy": self.policy,
        }
        if self.bound != Bound():
            said["bound"] = self.bound.to_document()
        return {**said, "doubtful": True} if self.doubtful else said


def parse_fuse(text: str, where: str) -> Fuse:
    """Return the fuse of a JSON text. One that cannot be read is tripped, and `reason` says so.

    On the safe side: who cannot tell whether removals are held, holds them.
    """
    try:
        return _parse_fuse(text)
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{where} cannot be read ({error!r}): delete it, and the next resync judges anew"
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
        policy=str(document.get("policy", "")),
        bound=_parse_bound(document.get("bound", {})),
    )


def _parse_bound(document: Any) -> Bound:
    if not isinstance(document, dict):
        raise TypeError(f"bound is {document!r}")
    counts = {what: document.get(what, 0) for what in ("pools", "addresses", "nodes")}
    if any(type(count) is not int or count < 0 for count in counts.values()):
        raise ValueError(f"bound is {document!r}")
    return Bound(**counts, empty_listing=document.get("emptyListing") is True, about=str(document.get("about", "")))
