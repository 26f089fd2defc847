"""What has to be remembered of a pool between two looks, kept in the pool's one annotation: there is no database."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from spiderpool_aws.domain.addresses import AddressError, AddressSet, IPFamily

ABSENCE = timedelta(minutes=10)
"""How far apart two listings without an instance are a proof (docs/architecture.md#invariants, 10)."""
REST = timedelta(seconds=60)
"""How long a released address is offered to no pod again: connections to its last owner may still come."""
STALE = timedelta(minutes=30)
"""After so long a note of absence is of another absence: the resync looks every five minutes at least (ADR 8)."""


@dataclass(frozen=True, slots=True)
class Absence:
    """An instance that EC2 no longer lists: missing from a complete listing since, and again at `confirmed`."""

    since: datetime
    confirmed: datetime | None = None

    def seen_again(self, now: datetime) -> "Absence":
        """Return the absence after another complete listing lacked the instance."""
        if now - (self.confirmed or self.since) > STALE:
            return Absence(now)
        if self.confirmed is None and now - self.since >= ABSENCE:
            return replace(self, confirmed=now)
        return self

    def proved(self, now: datetime) -> bool:
        """Tell whether two listings ten minutes apart lacked the instance, and lately: an old note proves nothing."""
        if self.confirmed is None or now - self.confirmed > STALE:
            return False
        return ABSENCE <= self.confirmed - self.since <= STALE


@dataclass(frozen=True, slots=True)
class Surplus:
    """An elastic size that is too large: since when, and under which size of the policy."""

    since: datetime
    size: str


Dated = tuple[tuple[datetime, AddressSet], ...]
"""Addresses with a moment, the oldest first."""


@dataclass(frozen=True, slots=True)
class PoolMemory:
    """The state annotation. Empty when there is nothing to remember, and then the annotation is left out."""

    missing: Dated = ()
    """Listed addresses that EC2 did not show on the NIC, with the moment when that was first seen."""
    absent: Absence | None = None
    disabled: bool = False
    """We disabled the pool (stopped, dying or detached), so we enable it again; an operator's `disable` is his own."""
    node_uid: str = ""
    """The Node that was proved to be the instance's when the pool was written."""
    released: Dated = ()
    """Addresses that left the pool to be unassigned, with the moment of the shrink: they rest (`REST`)."""
    surplus: Surplus | None = None
    interrupted: datetime | None = None
    """When we learned that EC2 takes the Spot instance back. It says nothing of an instance that was started since."""
    leaving: datetime | None = None
    """Since when the Auto Scaling group waits to terminate the instance."""

    def __bool__(self) -> bool:
        return self != NO_MEMORY

    def resting(self, now: datetime) -> Dated:
        """Return what was released less than a minute ago."""
        return tuple((since, addresses) for since, addresses in self.released if now - since < REST)

    def to_text(self) -> str:
        """Return the annotation, always in the same form for the same memory."""
        document: dict[str, Any] = {}
        if self.missing:
            document["missing"] = _dated_document(self.missing)
        if self.released:
            document["released"] = _dated_document(self.released)
        if self.surplus:
            document["surplus"] = {"since": self.surplus.since.isoformat(), "size": self.surplus.size}
        if self.interrupted:
            document["interrupted"] = self.interrupted.isoformat()
        if self.leaving:
            document["leaving"] = self.leaving.isoformat()
        if self.absent:
            document["absentSince"] = self.absent.since.isoformat()
            if self.absent.confirmed:
                document["absentConfirmed"] = self.absent.confirmed.isoformat()
        if self.disabled:
            document["disabled"] = True
        if self.node_uid:
            document["nodeUid"] = self.node_uid
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str, family: IPFamily) -> "PoolMemory":
        """Return the memory of an annotation. A field that is spoiled is left out, and no other with it."""
        if not text:
            return cls()
        try:
            document = json.loads(text)
        except ValueError:
            return cls()
        if not isinstance(document, dict):
            return cls()
        return cls(
            missing=_dated(document.get("missing"), family),
            released=_dated(document.get("released"), family),
            surplus=_surplus(document.get("surplus")),
            interrupted=_moment_or_none(document.get("interrupted")),
            leaving=_moment_or_none(document.get("leaving")),
            absent=_absence(document.get("absentSince"), document.get("absentConfirmed")),
            disabled=document.get("disabled") is True,
            node_uid=str(document.get("nodeUid", "")),
        )


def _dated_document(entries: Dated) -> dict[str, list[str]]:
    return {since.isoformat(): addresses.to_ranges() for since, addresses in entries}


def _dated(document: object, family: IPFamily) -> Dated:
    """Return which addresses since when; spoiled, it costs a second look, or a rest."""
    try:
        entries = sorted(document.items()) if isinstance(document, dict) else []
        return tuple((_moment(at), AddressSet.parse(family, lost)) for at, lost in entries)
    except (ValueError, TypeError, AttributeError, AddressError):
        return ()


def _absence(since: object, confirmed: object) -> Absence | None:
    """Return the absence; spoiled, it begins anew at the next listing."""
    try:
        return Absence(_moment(since), _moment(confirmed) if confirmed else None) if since else None
    except (ValueError, TypeError):
        return None


def _surplus(document: object) -> Surplus | None:
    """Return the surplus; spoiled, it begins anew."""
    try:
        return Surplus(_moment(document["since"]), str(document["size"])) if isinstance(document, dict) else None
    except (ValueError, KeyError):
        return None


def _moment_or_none(text: object) -> datetime | None:
    """Return the moment; spoiled, the wait begins anew."""
    try:
        return _moment(text) if text else None
    except ValueError:
        return None


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment


NO_MEMORY = PoolMemory()
