"""Which of many address sets have an address in common with another one. Immutable."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping

from spiderpool_aws.domain.addresses import AddressSet, IPFamily

Named = tuple[str, AddressSet]
"""An address set, and a name that no other one has."""
_Entry = tuple[int, int, str]
"""First address, last address, name."""


class SpanIndex:
    """The spans of many address sets, by size and then in order.

    A span that reaches an address begins at most its own size before it. So among spans of about one size only the
    neighbours of what is asked have to be looked at, also where spans overlap, or one of them is a whole subnet. Sizes
    are classed by their power of two: there are few.
    """

    def __init__(self, classes: Mapping[tuple[IPFamily, int], list[_Entry]] | None = None) -> None:
        self._classes = classes or {}

    def changed(self, gone: Iterable[Named], come: Iterable[Named]) -> "SpanIndex":
        """Return the index without some sets, which are in it, and with others."""
        classes = dict(self._classes)
        own: set[tuple[IPFamily, int]] = set()

        def copy_of(key: tuple[IPFamily, int]) -> list[_Entry]:
            if key not in own:
                own.add(key)
                classes[key] = list(classes.get(key, ()))
            return classes[key]

        for name, addresses in gone:
            for first, last in addresses.spans:
                entries = copy_of((addresses.family, (last - first).bit_length()))
                del entries[bisect_left(entries, (first, last, name))]
        for name, addresses in come:
            for first, last in addresses.spans:
                # Out of order for now; nothing is removed any more.
                copy_of((addresses.family, (last - first).bit_length())).append((first, last, name))
        for key in own:
            classes[key].sort()
        return SpanIndex({key: entries for key, entries in classes.items() if entries})

    def overlapping(self, addresses: AddressSet) -> set[str]:
        """Return the names of the sets that have an address in common with this one."""
        names: set[str] = set()
        for (family, bits), entries in self._classes.items():
            if family is not addresses.family:
                continue
            for first, last in addresses.spans:
                # The largest of the class ends 2^bits - 1 addresses after it begins.
                start = bisect_left(entries, (first - (1 << bits) + 1,))
                end = bisect_right(entries, last, lo=start, key=_first)
                names.update(name for _, reached, name in entries[start:end] if reached >= first)
        return names


def _first(entry: _Entry) -> int:
    return entry[0]
