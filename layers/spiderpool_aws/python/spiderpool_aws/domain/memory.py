"""What has to be remembered of a pool between two looks, kept in the pool's one annotation: there is no database."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spiderpool_aws.domain.addresses import AddressError, AddressSet, IPFamily


@dataclass(frozen=True, slots=True)
class Absence:
    """An instance that EC2 no longer lists: missing from a complete listing since, and again at `confirmed`."""

    since: datetime
    confirmed: datetime | None = None


@dataclass(frozen=True, slots=True)
class PoolMemory:
    """The state annotation. Empty when there is nothing to remember, and then the annotation is left out."""

    missing: tuple[tuple[datetime, AddressSet], ...] = ()
    """Listed addresses that EC2 did not show on the NIC, with the moment when that was first seen."""
    absent: Absence | None = None
    disabled: bool = False
    """We disabled the pool (stopped, dying or detached), so we enable it again; an operator's `disable` is his own."""
    node_uid: str = ""
    """The Node that was proved to be the instance's when the pool was written."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.absent or self.disabled or self.node_uid)

    def to_text(self) -> str:
        """Return the annotation, always in the same form for the same memory."""
        document: dict[str, Any] = {}
        if self.missing:
            document["missing"] = {since.isoformat(): lost.to_ranges() for since, lost in self.missing}
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
        """Return the memory of an annotation; a spoiled one counts as none: all that costs is a second look."""
        if not text:
            return cls()
        try:
            document = json.loads(text)
            missing = document.get("missing", {})
            since, confirmed = document.get("absentSince"), document.get("absentConfirmed")
            return cls(
                missing=tuple(
                    (datetime.fromisoformat(at), AddressSet.parse(family, lost)) for at, lost in sorted(missing.items())
                ),
                absent=Absence(datetime.fromisoformat(since), datetime.fromisoformat(confirmed) if confirmed else None)
                if since
                else None,
                disabled=document.get("disabled") is True,
                node_uid=str(document.get("nodeUid", "")),
            )
        except (ValueError, TypeError, AttributeError, AddressError):
            return cls()


NO_MEMORY = PoolMemory()
