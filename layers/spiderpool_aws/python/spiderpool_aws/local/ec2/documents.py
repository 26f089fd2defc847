"""EC2's answer for each instance and NIC, written once for each change and read by every describe.

A describe may be stale: with a lag, it sees each thing as it was that long ago.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from spiderpool_aws.local.ec2.lag import Lag

Document = dict[str, Any]
Key = tuple[str, str]


@dataclass(slots=True)
class _Record:
    number: int
    versions: list[tuple[datetime, Document | None]]  # oldest first; the last one is what is true now
    keys: set[Key] = field(default_factory=set)


class Documents:
    """The documents of one kind, in order of creation, found by id or by indexed filter.

    `render(id)` returns the document, or None when the thing is gone; `keys(document)` yields the (filter name,
    value) pairs to index. The index may also yield what matched in the past: the filters decide.
    """

    def __init__(
        self,
        render: Callable[[str], Document | None],
        keys: Callable[[Document], Iterable[Key]],
        now: Callable[[], datetime],
        lag: Lag,
    ) -> None:
        self._render = render
        self._keys = keys
        self._now = now
        self._lag = lag
        self._records: dict[str, _Record] = {}
        self._index: defaultdict[Key, set[str]] = defaultdict(set)
        self._changed: dict[str, None] = {}
        self._count = 0

    def changed(self, identifier: str) -> None:
        """Note that this thing is new, changed or gone; the next describe or `settle` writes its document."""
        self._changed[identifier] = None

    def settle(self) -> None:
        """Keep, where describes lag, how everything is at this moment; called when a change is complete."""
        if self._lag.longest:
            self._write_changed()

    def get(self, identifier: str) -> Document | None:
        """Return the document as a describe sees it now."""
        self._write_changed()
        record = self._records.get(identifier)
        return self._seen(record) if record else None

    def number(self, identifier: str) -> int:
        """Return the place of this thing in the order of creation."""
        return self._records[identifier].number

    def all(self) -> Iterator[tuple[str, Document]]:
        """Yield every (id, document) in order of creation."""
        self._write_changed()
        self._forget_gone()
        for identifier, record in self._records.items():
            document = self._seen(record)
            if document is not None:
                yield identifier, document

    def count(self, name: str, values: Iterable[str]) -> int:
        """Return how many ids an indexed filter may match, at most."""
        self._write_changed()
        return sum(len(self._index.get((name, value), ())) for value in values)

    def indexed(self, name: str, values: Iterable[str]) -> list[str]:
        """Return, in order of creation, the ids that an indexed filter may match."""
        self._write_changed()
        found = {identifier for value in values for identifier in self._index.get((name, value), ())}
        return sorted(found, key=lambda identifier: self._records[identifier].number)

    def _seen(self, record: _Record) -> Document | None:
        if not self._lag.longest:
            return record.versions[-1][1]
        horizon = self._now() - self._lag.describe
        for at, document in reversed(record.versions):
            if at <= horizon:
                return document
        return None

    def _write_changed(self) -> None:
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        for identifier in changed:
            self._write(identifier, self._render(identifier))

    def _write(self, identifier: str, document: Document | None) -> None:
        record = self._records.get(identifier)
        if record is None:
            if document is None:
                return
            self._count += 1
            record = self._records[identifier] = _Record(self._count, [])
        if document is None and not self._lag.longest:
            self._forget(identifier, record)
            return
        record.versions = [*self._still_visible(record), (self._now(), document)]
        for key in self._keys(document) if document else ():
            if key not in record.keys:
                record.keys.add(key)
                self._index[key].add(identifier)

    def _still_visible(self, record: _Record) -> list[tuple[datetime, Document | None]]:
        """Return the versions that a describe may still see: the newest one past the horizon, and all after it."""
        if not self._lag.longest:
            return []
        horizon = self._now() - self._lag.longest
        first = max((at for at, _ in record.versions if at <= horizon), default=None)
        return [version for version in record.versions if first is None or version[0] >= first]

    def _forget_gone(self) -> None:
        """Forget what has been gone for longer than any describe looks back."""
        if not self._lag.longest:
            return
        horizon = self._now() - self._lag.longest
        gone = [
            (identifier, record)
            for identifier, record in self._records.items()
            if record.versions[-1][1] is None and record.versions[-1][0] <= horizon
        ]
        for identifier, record in gone:
            self._forget(identifier, record)

    def _forget(self, identifier: str, record: _Record) -> None:
        for key in record.keys:
            self._index[key].discard(identifier)
            if not self._index[key]:
                del self._index[key]
        del self._records[identifier]
