"""The fuse of invariant 10: what trips it, and what makes it whole."""

import json
from collections.abc import Sequence

import pytest

from spiderpool_aws.domain.actions.removals import Removals
from spiderpool_aws.domain.fuse import Fuse, FuseState, Scale, Verdict, judge, parse_fuse

NOTHING = Removals()


def pools(count: int) -> Removals:
    return Removals(pools=frozenset(f"pool-{number}" for number in range(count)))


def after(passes: Sequence[tuple[int, int]], total: int = 100) -> Fuse:
    """Return the fuse after passes that would remove so many pools for certain, and so many with the doubted ones."""
    fuse = Fuse()
    for certain, doubted in passes:
        fuse = judge(fuse, pools(certain + doubted), Scale(total, 0, 0), certain=pools(certain)).fuse
    return fuse


@pytest.mark.parametrize(
    ("count", "total", "state"),
    [
        pytest.param(5, 5, FuseState.WHOLE, id="five are few, though they are all"),
        pytest.param(6, 6, FuseState.TRIPPED, id="six of six"),
        pytest.param(10, 100, FuseState.WHOLE, id="a tenth"),
        pytest.param(11, 100, FuseState.TRIPPED, id="more than a tenth"),
        pytest.param(6, 60, FuseState.WHOLE, id="a tenth, and more than five"),
    ],
)
def test_more_than_five_and_more_than_a_tenth_trip_it(count: int, total: int, state: FuseState) -> None:
    assert judge(Fuse(), pools(count), Scale(total, 0, 0)).fuse.state is state


def test_doubts_trip_it_as_removals_do() -> None:
    assert after([(0, 11)]).state is FuseState.TRIPPED
    assert after([(5, 6)]).state is FuseState.TRIPPED


def test_what_doubts_alone_tripped_is_whole_when_they_are_gone() -> None:
    assert after([(0, 11), (0, 11)]).state is FuseState.TRIPPED
    assert after([(0, 11), (0, 11), (0, 2)]) == Fuse()


def test_doubts_that_became_certain_stay_tripped_though_the_next_pass_finds_nothing() -> None:
    assert after([(0, 11), (11, 0), (0, 0)]).state is FuseState.TRIPPED
    assert after([(11, 0), (0, 0)]).state is FuseState.TRIPPED


def test_a_doubtful_fuse_may_be_confirmed_like_any_other() -> None:
    tripped = after([(0, 11)])
    verdict = judge(tripped, pools(11), Scale(100, 0, 0), tripped.digest, certain=NOTHING)
    assert verdict == Verdict(Fuse(FuseState.CONFIRMED, tripped.digest), tripped.digest)


@pytest.mark.parametrize("fuse", [after([(0, 11)]), after([(11, 0)]), Fuse()])
def test_it_comes_back_as_it_was_stored(fuse: Fuse) -> None:
    assert parse_fuse(json.dumps(fuse.to_document()), "the parameter") == fuse


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{", '{"state": "whole", "since": "2026-03-01T12:00:00"}'])
def test_a_fuse_that_cannot_be_read_is_tripped_and_says_where_it_is(text: str) -> None:
    fuse = parse_fuse(text, "the parameter /fuse")
    assert (fuse.state, "the parameter /fuse cannot be read" in fuse.held) == (FuseState.TRIPPED, True)
