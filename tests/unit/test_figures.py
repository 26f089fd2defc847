"""Figures of several modules that only hold together."""

from spiderpool_aws.adapters.cluster_api import TIMEOUTS_SECONDS
from spiderpool_aws.adapters.pacing import WAITS_SECONDS
from spiderpool_aws.batches import BACKOFF_SECONDS, SLACK
from spiderpool_aws.deployment import GIVE_UP, MAX_RECEIVES, RESYNC_PERIOD, VISIBILITY_TIMEOUT, WORKER_TIMEOUT
from spiderpool_aws.domain.memory import ABSENCE, STALE
from spiderpool_aws.domain.rules.leaving import LOOK_AGAIN_SECONDS
from spiderpool_aws.node_pass import MARGIN_SECONDS
from spiderpool_aws.recollection import ATTEMPT

EC2_WRITE_SECONDS = 3 + 15
"""Connecting and reading, once: `Ec2Adapter.from_session`."""


def test_what_a_worker_begins_last_ends_before_lambda_stops_it() -> None:
    assert sum(TIMEOUTS_SECONDS) < MARGIN_SECONDS < WORKER_TIMEOUT.total_seconds()
    assert WORKER_TIMEOUT.total_seconds() > WAITS_SECONDS + EC2_WRITE_SECONDS


def test_a_message_is_given_up_by_the_worker_and_not_by_the_queue() -> None:
    assert GIVE_UP.total_seconds() / LOOK_AGAIN_SECONDS < MAX_RECEIVES
    assert GIVE_UP.total_seconds() / BACKOFF_SECONDS[-1] + len(BACKOFF_SECONDS) < MAX_RECEIVES
    # Two receives that ended in a crash, and what explains a third one, come before that.
    assert 2 * (VISIBILITY_TIMEOUT + SLACK) < GIVE_UP


def test_what_is_remembered_of_a_creation_outlives_its_message() -> None:
    assert ATTEMPT > GIVE_UP


def test_two_listings_that_prove_an_absence_fit_between_its_first_and_its_last_moment() -> None:
    assert ABSENCE + 2 * RESYNC_PERIOD < STALE
