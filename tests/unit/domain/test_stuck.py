"""Deleted pools that do not go: when that is told, and who is named."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from spiderpool_aws.domain.addresses import EMPTY
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.rules.draft import Draft
from spiderpool_aws.domain.rules.stuck import STUCK_AFTER, report_stuck
from tests.unit.build import NOW, V4, v4
from tests.unit.domain.planning import full_node


def told(*pools: Pool) -> list[tuple[str, str]]:
    draft = Draft(replace(full_node()[0], pools=pools))
    report_stuck(draft)
    return [(finding.code, finding.message) for finding in draft.findings]


def going(since: datetime | None, users: Mapping[str, str] | None = None) -> Pool:
    users = {"10.0.0.20": "default/web"} if users is None else users
    pool = replace(full_node()[1], users=users, allocated=v4(*users) if users else EMPTY[V4])
    return replace(pool, terminating=since is not None, terminating_since=since)


@pytest.mark.parametrize(
    ("since", "stuck"),
    [
        pytest.param(None, False, id="it is not deleted"),
        pytest.param(NOW - STUCK_AFTER + timedelta(seconds=1), False, id="a moment ago"),
        pytest.param(NOW - STUCK_AFTER, True, id="for ten minutes"),
        pytest.param(NOW + timedelta(days=3000), False, id="in the future"),
    ],
)
def test_a_pool_that_is_going_for_ten_minutes_is_told_of(since: datetime | None, stuck: bool) -> None:
    assert [code for code, _ in told(going(since))] == (["PoolStuck"] if stuck else [])


def test_each_stuck_pool_is_told_of_by_name_with_the_time_and_its_pods_once() -> None:
    long_ago = NOW - timedelta(hours=1)
    one = going(long_ago, {"10.0.0.21": "b/web", "10.0.0.20": "a/web", "10.0.0.22": "b/web"})
    other = replace(going(long_ago), name="other")
    first, second = (message for _, message in told(one, going(None), other))
    assert first == (
        f"pool {one.name} is deleted since 2026-03-01 11:00:00Z and cannot go, its addresses are held by a/web, b/web; "
        "nobody else can have them: delete those pods"
    )
    assert second.startswith("pool other is deleted")


@pytest.mark.parametrize(
    ("count", "end"), [(5, "p/3, p/4; nobody"), (6, "p/4 and 1 more; nobody"), (5000, "p/1000 and 4995 more; nobody")]
)
def test_of_many_pods_some_are_named(count: int, end: str) -> None:
    users = {str(V4.address(2**24 * 10 + n)): f"p/{n}" for n in range(count)}
    ((_, message),) = told(going(NOW - STUCK_AFTER, users))
    assert end in message
    assert len(message) < 400


def test_a_pool_that_nobody_uses_points_at_spiderpools_controller_and_names_no_pod() -> None:
    ((_, message),) = told(going(NOW - STUCK_AFTER, {}))
    assert message.endswith("held by nobody: is Spiderpool's controller running?")
    unread = replace(going(NOW - STUCK_AFTER, {}), allocated=v4("10.0.0.20"))
    ((_, message),) = told(unread)
    assert "records of no pod (status.allocatedIPs)" in message
