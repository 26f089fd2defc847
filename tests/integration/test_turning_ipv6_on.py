"""Turning IPv6 on in a running cluster: while the pools change over, and at no other time, a new pod may fail."""

from tests.integration.ipv6_flip import turned_on


def test_no_pod_fails_outside_of_the_flip_and_the_flip_is_one_round_of_the_workers() -> None:
    result = turned_on(nodes=20)
    assert result.failed_outside == []
    assert (result.pods_before_flip >= 20, result.pods_after_flip >= 20) == (True, True)
    assert (result.flip_writes, result.default_pools) == (20, 20)
    assert result.flip_seconds <= 60
    assert result.preparation_seconds <= 120
    assert result.dual_stack_at_the_end
