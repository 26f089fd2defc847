"""What a pass says to the fuse (invariant 10): what trips it, what is agreed to, and what makes it whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.actions.removals import Owed, Removals
from spiderpool_aws.domain.fuse import Bound, Fuse, FuseState
from spiderpool_aws.domain.verdict import CONFIRMATION_LASTS, Evidence, Scale, digest_of, judge
from tests.unit.build import NOW

JUDGED = Fuse(policy="p")
HUNDRED = Scale(100, 100, 100)


def pools(count: int, first: int = 0) -> Removals:
    return Removals(pools=frozenset(f"pool-{number}" for number in range(first, first + count)))


def nodes(count: int) -> Removals:
    return Removals(nodes=frozenset(f"node-{number}" for number in range(count)))


def addresses(count: int) -> Removals:
    return Removals(addresses={"pool-0": count}) if count else Removals()


def found(removals: Removals | None = None, *, scale: Scale = HUNDRED, policy: str = "p", **more: Any) -> Evidence:
    """Return the evidence of a pass that is certain of what it would remove."""
    removals = removals or Removals()
    return Evidence(policy, scale, **{"now": NOW, "removals": removals, "certain": removals, **more})


def after(passes: Sequence[tuple[int, int]]) -> Fuse:
    """Return the fuse after passes that would remove so many pools for certain, and so many with the doubted ones."""
    fuse = JUDGED
    for certain, doubted in passes:
        fuse = judge(fuse, found(pools(certain + doubted), certain=pools(certain))).fuse
    return fuse


def confirmed(evidence: Evidence, fuse: Fuse = JUDGED) -> Fuse:
    """Return the fuse after a person has confirmed what the evidence asks for."""
    agreed = judge(fuse, evidence, judge(fuse, evidence).digest).fuse
    assert agreed.state is FuseState.CONFIRMED
    return agreed


@pytest.mark.parametrize(
    ("count", "total", "state"),
    [
        pytest.param(5, 5, FuseState.WHOLE, id="five are few, though they are all"),
        pytest.param(6, 6, FuseState.TRIPPED, id="six of six"),
        pytest.param(10, 100, FuseState.WHOLE, id="a tenth"),
        pytest.param(11, 100, FuseState.TRIPPED, id="more than a tenth"),
        pytest.param(6, 60, FuseState.WHOLE, id="a tenth, and more than five"),
        pytest.param(6, 59, FuseState.TRIPPED, id="more than a tenth, and more than five"),
    ],
)
@pytest.mark.parametrize("kind", [pools, addresses, nodes])
def test_more_than_five_and_more_than_a_tenth_trip_it(kind: Any, count: int, total: int, state: FuseState) -> None:
    what = str(kind.__name__)
    totals: Any = {"pools": 1000, "addresses": 1000, "nodes": 1000} | {what: total}
    scale = Scale(**totals)
    verdict = judge(JUDGED, found(kind(count), scale=scale))
    assert verdict.fuse.state is state
    tripped = state is FuseState.TRIPPED
    assert verdict.excess == (f"the pass would remove {count} of {total} {what}" if tripped else "")
    said = f"{verdict.excess}: nothing is removed until somebody confirms {verdict.digest}" if tripped else ""
    assert verdict.fuse.held == said


def test_a_listing_without_any_instance_trips_it_whatever_the_numbers() -> None:
    verdict = judge(JUDGED, found(pools(1), scale=replace(HUNDRED, empty_listing=True)))
    assert (verdict.fuse.state, verdict.fuse.doubtful) == (FuseState.TRIPPED, False)
    assert "listed no instance" in verdict.excess


def test_doubts_trip_it_as_removals_do() -> None:
    assert after([(0, 11)]).state is FuseState.TRIPPED
    assert after([(5, 6)]).state is FuseState.TRIPPED


def test_what_doubts_alone_tripped_is_whole_when_they_are_gone() -> None:
    assert after([(0, 11), (0, 11)]).state is FuseState.TRIPPED
    assert after([(0, 11), (0, 11), (0, 2)]) == JUDGED


def test_doubts_that_became_certain_stay_tripped_though_the_next_pass_finds_nothing() -> None:
    assert after([(0, 11), (11, 0), (0, 0)]).state is FuseState.TRIPPED
    assert after([(11, 0), (0, 0)]).state is FuseState.TRIPPED


def test_a_trip_that_was_certain_never_clears_by_itself_though_doubts_follow() -> None:
    assert after([(11, 0), (0, 12), (0, 0)]).state is FuseState.TRIPPED


def test_a_doubtful_trip_whose_doubts_grow_still_clears_by_itself() -> None:
    assert after([(0, 11), (0, 12)]).bound.pools == 12
    assert after([(0, 11), (0, 12), (0, 0)]) == JUDGED


def test_a_doubtful_fuse_may_be_confirmed_like_any_other() -> None:
    verdict = judge(after([(0, 11)]), found(pools(11), certain=Removals()), after([(0, 11)]).digest)
    assert (verdict.fuse.state, verdict.fuse.bound.pools, verdict.fuse.since) == (FuseState.CONFIRMED, 11, NOW)


def test_what_a_policy_takes_away_in_the_end_counts_until_it_was_judged_and_never_after() -> None:
    for later in (found(lowered=addresses(11)), found(surplus=addresses(11))):
        assert judge(Fuse(policy="old"), later).fuse.state is FuseState.TRIPPED
        assert judge(JUDGED, later).fuse == JUDGED
    together = found(addresses(4), lowered=addresses(4), surplus=addresses(3))
    assert judge(Fuse(), together).fuse.bound == replace(judge(Fuse(), together).asked, addresses=11)


def test_a_policy_that_takes_little_is_judged_and_the_fuse_names_it() -> None:
    verdict = judge(Fuse(policy="old"), found(surplus=addresses(10)))
    assert (verdict.fuse, verdict.fuse.since) == (JUDGED, NOW)


def test_a_trip_does_not_count_as_a_judgment_of_the_policy() -> None:
    tripped = judge(Fuse(policy="old"), found(lowered=addresses(11))).fuse
    assert tripped.policy == "old"
    assert judge(tripped, found(lowered=addresses(11))).fuse is tripped


def test_a_trip_names_what_would_go_now_when_that_is_more_or_other() -> None:
    tripped = after([(11, 0)])
    verdict = judge(tripped, found(pools(12)))
    assert verdict.fuse.digest == verdict.digest != tripped.digest
    assert verdict.digest in verdict.fuse.held
    assert judge(tripped, found(pools(11, first=1))).digest != tripped.digest


def test_less_of_the_same_keeps_its_name_while_it_is_too_much_and_nothing_has_another() -> None:
    tripped = judge(Fuse(), found(surplus=addresses(30))).fuse
    assert judge(tripped, found(surplus=addresses(20))).digest == tripped.digest
    assert judge(tripped, found(surplus=addresses(20))).fuse is tripped
    assert judge(tripped, found(surplus=addresses(10))).digest != tripped.digest
    assert judge(tripped, found(surplus=addresses(10))).fuse is tripped
    assert judge(tripped, found(surplus=addresses(20), policy="q")).digest != tripped.digest


def test_a_name_that_was_confirmed_is_for_what_is_left_of_it_only() -> None:
    tripped = judge(Fuse(), found(lowered=addresses(30))).fuse
    assert judge(tripped, found(lowered=addresses(20)), tripped.digest).fuse.bound.addresses == 20


def test_a_confirmation_of_next_to_nothing_makes_it_whole() -> None:
    tripped, little = after([(11, 0)]), found(pools(1))
    assert judge(tripped, little, judge(tripped, little).digest).fuse == JUDGED


def test_another_digest_is_refused_and_the_right_one_named() -> None:
    verdict = judge(after([(11, 0)]), found(pools(12)), "0123456789abcdef")
    assert verdict.fuse.state is FuseState.TRIPPED
    assert verdict.digest in verdict.fuse.reason
    assert "'0123456789abcdef' is not the digest" in verdict.fuse.reason
    assert judge(verdict.fuse, found(pools(12)), verdict.digest).fuse.bound.pools == 12
    assert judge(JUDGED, found(pools(1)), "0123456789abcdef").fuse == JUDGED


def test_a_confirmation_is_used_up_as_it_goes_and_ends_when_little_is_left() -> None:
    fuse = confirmed(found(lowered=addresses(60)), Fuse())
    for now, then, left in ((0, 60, 60), (20, 20, 40), (12, 0, 12)):
        fuse = judge(fuse, found(addresses(now), lowered=addresses(then))).fuse
        assert (fuse.state, fuse.bound.addresses, fuse.since) == (FuseState.CONFIRMED, left, NOW)
    assert judge(fuse, found(addresses(10))).fuse == JUDGED


def test_pods_that_come_and_go_change_nothing_of_a_confirmation() -> None:
    fuse = confirmed(found(addresses(30), lowered=addresses(30)))
    assert judge(fuse, found(lowered=addresses(60))).fuse == fuse
    assert judge(fuse, found(addresses(60))).fuse == fuse


def test_what_elastic_sizes_give_back_under_a_confirmed_policy_uses_nothing_up() -> None:
    fuse = confirmed(found(lowered=addresses(40), surplus=addresses(20)), Fuse())
    assert fuse.bound.addresses == 60
    assert judge(fuse, found(lowered=addresses(40), surplus=addresses(50))).fuse.bound.addresses == 40


def test_beside_what_was_confirmed_a_tenth_may_go_and_no_more() -> None:
    fuse = confirmed(found(pools(20)))
    assert judge(fuse, found(pools(30))).fuse == fuse
    verdict = judge(fuse, found(pools(31)))
    assert (verdict.fuse.state, verdict.fuse.policy, verdict.fuse.bound.pools) == (FuseState.TRIPPED, "p", 31)
    assert verdict.excess == "the pass would remove 11 of 100 pools beyond what was confirmed"


def test_doubts_beside_what_was_confirmed_trip_it_until_they_are_gone() -> None:
    fuse = confirmed(found(pools(20)))
    assert judge(fuse, found(pools(31), certain=pools(20))).fuse.doubtful
    assert not judge(fuse, found(pools(32), certain=pools(31))).fuse.doubtful


def test_a_confirmed_lowering_agrees_to_no_empty_listing_and_a_confirmed_empty_listing_does() -> None:
    empty = replace(HUNDRED, empty_listing=True)
    fuse = confirmed(found(lowered=addresses(60)), Fuse())
    assert judge(fuse, found(lowered=addresses(60), scale=empty)).fuse.state is FuseState.TRIPPED
    gone = confirmed(found(pools(3), scale=empty))
    assert judge(gone, found(pools(3), scale=empty)).fuse == gone


def test_a_confirmation_is_for_one_policy() -> None:
    fuse = confirmed(found(lowered=addresses(60)))
    assert judge(fuse, found(lowered=addresses(60), policy="q")).fuse.state is FuseState.TRIPPED
    assert judge(fuse, found(policy="q")).fuse == Fuse(policy="q")


def test_a_confirmation_expires_and_then_the_pass_is_judged_by_what_it_would_remove_itself() -> None:
    fuse = confirmed(found(addresses(60)))
    last, over = NOW + CONFIRMATION_LASTS - timedelta(seconds=1), NOW + CONFIRMATION_LASTS
    assert timedelta(hours=24) == CONFIRMATION_LASTS
    assert judge(fuse, found(addresses(60), now=last)).fuse == fuse
    assert judge(fuse, found(addresses(60), now=over)).fuse.state is FuseState.TRIPPED
    assert judge(fuse, found(lowered=addresses(60), now=over)).fuse == JUDGED
    assert judge(replace(fuse, since=None), found(addresses(60))).fuse.state is FuseState.TRIPPED


def test_a_digest_names_the_policy_the_pools_the_nodes_and_how_many_addresses() -> None:
    several = [
        digest_of(policy, removals)
        for policy in ("p", "q")
        for removals in (Removals(), pools(1), pools(2), nodes(1), addresses(1), addresses(2))
    ]
    assert len({*several}) == len(several)
    assert {len(digest) for digest in several} == {16}
    assert digest_of("p", addresses(1)) == digest_of("p", addresses(1))
    one, two = Removals(addresses={"a": 1, "b": 2}), Removals(addresses={"b": 2, "a": 1})
    assert digest_of("p", one) == digest_of("p", two)


def test_removals_add_up() -> None:
    total = pools(2) | pools(3) | addresses(2) | addresses(3) | nodes(1)
    assert (len(total.pools), total.address_count, len(total.nodes), bool(total)) == (3, 5, 1, True)
    assert not Removals.sum([])
    assert Removals.of_owed([Owed("a", 1), Owed("a", 2), Owed("b", 1)]).addresses == {"a": 3, "b": 1}


def test_a_verdict_says_how_much_it_is_about() -> None:
    verdict = judge(JUDGED, found(pools(1) | addresses(2), lowered=addresses(3), surplus=addresses(4)))
    assert (verdict.asked.pools, verdict.asked.addresses, verdict.asked.nodes) == (1, 5, 0)
    assert verdict.asked != Bound()
