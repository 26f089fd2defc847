"""What has to be remembered of a pool between two looks, kept in the pool's one annotation: there is no database."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from spiderpool_aws.domain.addresses import AddressError, AddressSet, IPFamily
from spiderpool_aws.domain.documents import read_object
from spiderpool_aws.domain.moments import moment_of, read_moment

SECOND_LOOK = timedelta(seconds=30)
"""How old a describe of EC2 may be: what one look lacks is proved by a second one that much later."""
ABSENCE = timedelta(minutes=10)
"""How far apart two listings without an instance are a proof (docs/architecture.md#invariants, 10)."""
REST = timedelta(seconds=60)
"""How long a pool offers what it has released to no pod again: connections to its last owner may still come."""
STALE = timedelta(minutes=30)
"""After so long a note of absence is of another absence: the resync looks every five minutes at least (ADR 8)."""
INTERRUPTION = timedelta(minutes=20)
"""How long a Spot warning holds. EC2 interrupts two minutes after it, "on a best effort basis", and says nothing when
it does not (EC2 user guide, "Spot Instance interruption notices"); a message waits as long (`deployment.GIVE_UP`)."""
SKEW = timedelta(minutes=1)
"""How far the clock of another process may be ahead of ours."""


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
    """When EC2 warned that it will take the Spot instance back; it says nothing of one that was started since."""
    undated: bool = False
    """A warning as older versions noted it (`true`): it counts from the first look on, which dates it."""
    leaving: datetime | None = None
    """Since when the Auto Scaling group waits to terminate the instance."""
    detached: datetime | None = None
    """When the pool's NIC was first not found on the instance."""

    def __bool__(self) -> bool:
        return self != NO_MEMORY

    def resting(self, now: datetime) -> Dated:
        """Return what was released less than a minute ago."""
        return tuple((since, addresses) for since, addresses in self.released if now - since < REST)

    def as_of(self, now: datetime) -> "PoolMemory":
        """Return the memory without what lies in the future: anybody may write an annotation, and that never ends.

        It is the same object where that is nothing: most memories have no moment at all, and there are many.
        """
        if not (self.missing or self.released or self.surplus or self.absent) and not (
            self.interrupted or self.leaving or self.detached
        ):
            return self
        limit, absent = now + SKEW, self.absent
        if absent is not None and max(absent.since, absent.confirmed or absent.since) > limit:
            absent = None
        past = replace(
            self,
            missing=_until(self.missing, limit),
            released=_until(self.released, limit),
            surplus=None if self.surplus is not None and self.surplus.since > limit else self.surplus,
            absent=absent,
            interrupted=_moment_until(self.interrupted, limit),
            leaving=_moment_until(self.leaving, limit),
            detached=_moment_until(self.detached, limit),
        )
        return self if past == self else past

    def to_text(self) -> str:
        """Return the annotation, always in the same form for the same memory."""
        document: dict[str, Any] = {}
        if self.missing:
            document["missing"] = _dated_document(self.missing)
        if self.released:
            document["released"] = _dated_document(self.released)
        if self.surplus:
            document["surplus"] = {"since": self.surplus.since.isoformat(), "size": self.surplus.size}
        for key, moment in (
            ("interrupted", self.interrupted),
            ("leaving", self.leaving),
            ("detached", self.detached),
        ):
            if moment:
                document[key] = moment.isoformat()
        if self.undated:
            document["interrupted"] = True
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
            document = read_object(text)
        except ValueError:
            return cls()
        return cls(
            missing=_dated(document.get("missing"), family),
            released=_dated(document.get("released"), family),
            surplus=_surplus(document.get("surplus")),
            interrupted=read_moment(document.get("interrupted")),
            undated=document.get("interrupted") is True,
            leaving=read_moment(document.get("leaving")),
            detached=read_moment(document.get("detached")),
            absent=_absence(document.get("absentSince"), document.get("absentConfirmed")),
            disabled=document.get("disabled") is True,
            node_uid=str(document.get("nodeUid", "")),
        )


def _dated_document(entries: Dated) -> dict[str, list[str]]:
    merged: dict[datetime, AddressSet] = {}
    for since, addresses in entries:
        merged[since] = merged[since] | addresses if since in merged else addresses
    return {since.isoformat(): addresses.to_ranges() for since, addresses in merged.items()}


def _until(entries: Dated, limit: datetime) -> Dated:
    return tuple((since, addresses) for since, addresses in entries if since <= limit)


def _moment_until(moment: datetime | None, limit: datetime) -> datetime | None:
    return moment if moment is not None and moment <= limit else None


def _dated(document: object, family: IPFamily) -> Dated:
    """Return which addresses since when; spoiled, it costs a second look, or a rest."""
    try:
        given = document.items() if isinstance(document, dict) else ()
        entries = [(moment_of(at), AddressSet.parse(family, lost)) for at, lost in given]
        return tuple(sorted(entries, key=lambda entry: entry[0]))
    except (ValueError, TypeError, AttributeError, AddressError):
        return ()


def _absence(since: object, confirmed: object) -> Absence | None:
    """Return the absence; spoiled, it begins anew at the next listing."""
    try:
        return Absence(moment_of(since), moment_of(confirmed) if confirmed else None) if since else None
    except (ValueError, TypeError):
        return None


def _surplus(document: object) -> Surplus | None:
    """Return the surplus; spoiled, it begins anew."""
    try:
        return Surplus(moment_of(document["since"]), str(document["size"])) if isinstance(document, dict) else None
    except (ValueError, KeyError):
        return None


NO_MEMORY = PoolMemory()
