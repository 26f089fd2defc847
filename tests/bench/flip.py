"""How long pods may fail when IPv6 is turned on in a running cluster of twenty nodes, on the virtual clock."""

from collections.abc import Iterator

from tests.integration.ipv6_flip import turned_on


def rows() -> Iterator[tuple[str, str, str]]:
    """Return the figures of the change over."""
    seen = turned_on(nodes=20)
    how = "20 nodes with one NIC, a pod on each every five seconds and before each write of the flip"
    prepared = f"{seen.preparation_seconds:.0f} s, {seen.preparation_writes} writes"
    yield "IPv6 turned on: from the policy's change to the flip", prepared, how
    yield (
        "IPv6 turned on: the flip",
        f"{seen.flip_seconds:.0f} s, {seen.flip_writes} writes",
        "virtual clock: a call takes no time",
    )
    tried = seen.pods_before_flip + seen.pods_after_flip
    yield "pods that failed outside of the flip", f"{len(seen.failed_outside)} of {tried}", how
    yield "pods that failed within it", f"{seen.failed_within} of {seen.pods_within}", "their kubelets try again"
