"""The stored objects: immutable by convention, one counter of versions, lists in order of name, label look-up."""

import bisect
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.local.cluster.ownership import Managers
from spiderpool_aws.local.cluster.resources import RESOURCES

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """An object as stored, and who owns which of its fields. A write replaces the record, never changes it."""

    obj: Json
    managers: Managers


class Store:
    """Every object by resource and (namespace, name)."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {plural: _Table() for plural in RESOURCES}
        # Real servers never start at zero, and clients must not read versions as a count.
        self._version = 1000
        self._uids = itertools.count(1)

    @property
    def version(self) -> str:
        """The newest resourceVersion."""
        return str(self._version)

    def next_version(self) -> str:
        """Count one write; return its resourceVersion."""
        self._version += 1
        return self.version

    def new_uid(self) -> str:
        """Return a uid that no object has had."""
        number = next(self._uids)
        return f"{number:08x}-0000-4000-8000-{number:012x}"

    def get(self, resource: str, key: Key) -> Record | None:
        """Return an object's record."""
        return self._tables[resource].records.get(key)

    def put(self, resource: str, key: Key, record: Record) -> None:
        """Store a record."""
        self._tables[resource].put(key, record)

    def remove(self, resource: str, key: Key) -> None:
        """Forget an object."""
        self._tables[resource].remove(key)

    def objects(self, resource: str) -> list[Json]:
        """Return all objects of a resource in order of namespace and name."""
        table = self._tables[resource]
        return [table.records[key].obj for key in table.keys]

    def with_label(self, resource: str, label: str, values: Iterable[str]) -> list[Json]:
        """Return the objects whose label has one of the values, in order."""
        table = self._tables[resource]
        keys = sorted(key for value in values for key in table.labels.get((label, value), ()))
        return [table.records[key].obj for key in keys]


class _Table:
    """The objects of one resource, their keys in order, and which keys have which label."""

    def __init__(self) -> None:
        self.records: dict[Key, Record] = {}
        self.keys: list[Key] = []
        self.labels: dict[tuple[str, str], set[Key]] = {}

    def put(self, key: Key, record: Record) -> None:
        old = self.records.get(key)
        if old is None:
            bisect.insort(self.keys, key)
        self.records[key] = record
        before = _labels(old) if old else {}
        after = _labels(record)
        if before != after:
            self._unlabel(key, before)
            for label in after.items():
                self.labels.setdefault(label, set()).add(key)

    def remove(self, key: Key) -> None:
        self._unlabel(key, _labels(self.records.pop(key)))
        del self.keys[bisect.bisect_left(self.keys, key)]

    def _unlabel(self, key: Key, labels: dict[str, str]) -> None:
        for label in labels.items():
            self.labels[label].discard(key)
            if not self.labels[label]:
                del self.labels[label]


def _labels(record: Record) -> dict[str, str]:
    labels: dict[str, str] = record.obj["metadata"].get("labels") or {}
    return labels
