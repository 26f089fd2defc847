"""How long pods may fail when IPv6 is turned on in a running cluster of twenty nodes, on the virtual clock."""

from collections.abc import Iterator

from tests.bench.rows import Row
from tests.integration.ipv6_flip import turned_on


def rows() -> Iterator[Row]:
    """Return the figures of the change over."""
    seen, section = turned_on(nodes=20), "IPv6 turned on in a running cluster"
    tried = seen.pods_before_flip + seen.pods_after_flip
    prepared = f"{seen.preparation_seconds:.0f} s, {seen.preparation_writes} writes"
    yield Row(section, "from the policy's change to the flip", prepared)
    yield Row(section, "the flip", f"{seen.flip_seconds:.0f} virtual seconds, {seen.flip_writes} writes")
    yield Row(section, "pods that failed outside of the flip", f"{len(seen.failed_outside)} of {tried}")
    yield Row(section, "pods that failed within it", f"{seen.failed_within} of {seen.pods_within}")
