import threading

import pytest

from spiderpool_aws.adapters.threads import Threads
from spiderpool_aws.domain.errors import RetryLater


def test_calls_are_made_at_the_same_time() -> None:
    threads, both = Threads(2), threading.Barrier(2, timeout=30)
    calls = [threads.submit(both.wait) for _ in range(2)]
    # Made one after the other, the first would wait for the second until the barrier breaks.
    assert sorted(call.result() for call in calls) == [0, 1]


def test_a_wait_ends_with_the_first_call_that_is_done_whatever_comes_of_it() -> None:
    threads, held = Threads(2), threading.Event()

    def fails() -> None:
        raise RetryLater("throttled")

    slow, quick = threads.submit(held.wait), threads.submit(fails)
    threads.wait([slow, quick])
    assert (slow.done(), quick.done()) == (False, True)
    held.set()
    with pytest.raises(RetryLater, match="throttled"):
        quick.result()
