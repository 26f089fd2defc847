"""The fuse as it is stored."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.fuse import Bound, Fuse, FuseState, parse_fuse
from tests.unit import build
from tests.unit.build import NOW

BOUND = Bound(1, 20, 3, about="these")
FUSES = [
    Fuse(),
    Fuse(policy="p"),
    Fuse(FuseState.TRIPPED, "abc", "too much", NOW, doubtful=True, policy="p", bound=BOUND),
    Fuse(FuseState.TRIPPED, "abc", "too much", NOW, bound=Bound(empty_listing=True)),
    Fuse(FuseState.CONFIRMED, "abc", since=NOW, policy="p", bound=BOUND),
]


@pytest.mark.parametrize("fuse", FUSES)
def test_it_comes_back_as_it_was_stored(fuse: Fuse) -> None:
    read = parse_fuse(json.dumps(fuse.to_document()), "the parameter")
    assert (read, read.since) == (fuse, fuse.since)


def test_what_an_older_release_stored_has_judged_no_policy() -> None:
    stored = '{"state": "confirmed", "digest": "abc", "reason": "", "since": "2026-03-01T12:00:00+00:00"}'
    since = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert parse_fuse(stored, "the parameter") == Fuse(FuseState.CONFIRMED, "abc", since=since)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"bound": 7},
        {"bound": None},
        {"bound": {"addresses": "many"}},
        {"bound": {"addresses": True}},
        {"bound": {"nodes": -1}},
        {"bound": {"pools": 1.5}},
        {"state": "open"},
        {"since": "2026-03-01T12:00:00"},
    ],
)
def test_one_that_cannot_be_read_is_tripped_and_says_what_to_do(spoiled: dict[str, Any]) -> None:
    fuse = parse_fuse(json.dumps({"state": "confirmed", **spoiled}), "the parameter")
    assert fuse.state is FuseState.TRIPPED
    assert "the parameter cannot be read" in fuse.held
    assert "delete it" in fuse.held


@pytest.mark.parametrize(
    ("other", "covered"),
    [
        pytest.param(Bound(1, 20, 3, about="these"), True, id="the same"),
        pytest.param(Bound(0, 5, 0, about="these"), True, id="less of the same"),
        pytest.param(Bound(1, 20, 3, about="those"), False, id="so much of others"),
        pytest.param(Bound(2, 20, 3, about="these"), False, id="one pool more"),
        pytest.param(Bound(1, 21, 3, about="these"), False, id="one address more"),
        pytest.param(Bound(1, 20, 4, about="these"), False, id="one node more"),
        pytest.param(Bound(1, 20, 3, empty_listing=True, about="these"), False, id="an empty listing"),
    ],
)
def test_a_bound_covers_no_more_of_the_same(other: Bound, covered: bool) -> None:
    assert BOUND.covers(other) is covered


def test_what_is_beyond_a_bound_is_counted_for_each_kind() -> None:
    more = Bound(2, 22, 1, empty_listing=True, about="those")
    assert more.beyond(BOUND) == Bound(1, 2, 0, empty_listing=True)
    assert more.beyond(Bound(empty_listing=True)) == Bound(2, 22, 1)


def test_a_bound_is_used_up_and_never_grows() -> None:
    assert BOUND.used_up(Bound(0, 30, 2)) == Bound(0, 20, 2, about="these")
    assert BOUND.used_up(Bound(5, 3, 5)) == Bound(1, 3, 3, about="these")


def test_removals_are_held_while_it_is_tripped_or_has_judged_another_policy() -> None:
    policy = build.policy()
    assert Control(policy).removals_held == "no resync has judged this policy yet"
    assert Control(policy, Fuse(policy="another")).removals_held
    assert Control(policy, Fuse(policy=policy.digest)).removals_held == ""
    assert Control(policy, Fuse(FuseState.CONFIRMED, policy=policy.digest)).removals_held == ""
    tripped = Control(policy, Fuse(FuseState.TRIPPED, reason="too much", policy=policy.digest))
    assert (tripped.removals_held, tripped.judged().removals_held, tripped.unheld().removals_held) == (
        "too much",
        "too much",
        "",
    )
    assert Control(None).removals_held == Control(None).judged().removals_held == ""


def test_a_person_who_has_seen_the_plan_stands_in_for_the_resync() -> None:
    assert Control(build.policy()).judged().removals_held == ""


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({"mode": "observe"}, True, id="the mode asks for nothing else"),
        pytest.param({"nodes": {"drainSeconds": 300}}, True, id="a default that is written out"),
        pytest.param({"nodes": {"drainSeconds": 301}}, False, id="another setting"),
        pytest.param({"cluster": "other"}, False, id="another cluster"),
        pytest.param({"ipv4": {"addresses": 4}}, False, id="a size"),
        pytest.param({"ipv4": {"addresses": {"min": 2, "warm": 1, "max": 9}}}, False, id="an elastic size"),
        pytest.param({"match": {"tags": {"a": "b"}}}, False, id="a group's match"),
    ],
)
def test_a_policy_is_known_by_what_it_asks_for(change: dict[str, Any], same: bool) -> None:
    assert (build.policy(**change).digest == build.policy().digest) is same


def test_the_order_of_a_policys_tags_makes_no_other_policy() -> None:
    there, back = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert build.policy(match={"tags": there}).digest == build.policy(match={"tags": back}).digest


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{", '{"state": "whole", "since": "2026-03-01T12:00:00"}'])
def test_a_fuse_that_cannot_be_read_is_tripped_and_says_where_it_is(text: str) -> None:
    fuse = parse_fuse(text, "the parameter /fuse")
    assert (fuse.state, "the parameter /fuse cannot be read" in fuse.held) == (FuseState.TRIPPED, True)
