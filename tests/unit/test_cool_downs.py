"""How long a subnet that had no room is left in peace."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from spiderpool_aws.cool_downs import LONGEST, SHORTEST, CoolDowns, asked_of
from spiderpool_aws.domain.actions.nics import Amount, Assign, AttachNic, CreateNic
from spiderpool_aws.domain.actions.plan import Action
from spiderpool_aws.domain.observed import ObservedNode
from tests.unit.build import NOW, SUBNET_0, V4, V6, eni, observed

ASSIGN = Assign(eni(0).eni_id, V4, 5)
PREFIX = replace(ASSIGN, count=1, prefixes=True)
IPV6 = replace(ASSIGN, family=V6)
CREATE = CreateNic("i-1", 1, "subnet-0", (), {V4: Amount(5)})
CREATE_PREFIX = replace(CREATE, amounts={V4: Amount(1, prefixes=True)})
KEY = "subnet-0 IPv4 addresses"
MINUTE, TICK = timedelta(minutes=1), timedelta(seconds=1)


def at(after: timedelta = timedelta(), free: int | None = 3) -> ObservedNode:
    """Return a node so long after the beginning, whose first subnet has so many free addresses."""
    return replace(observed(subnets={"subnet-0": replace(SUBNET_0, available_ipv4=free)}), now=NOW + after)


def begin(known: CoolDowns, model: ObservedNode, action: Action = ASSIGN) -> None:
    asked = asked_of(action, model)
    assert asked is not None
    known.begin(asked, model)


def succeed(known: CoolDowns, model: ObservedNode, action: Action = ASSIGN) -> None:
    asked = asked_of(action, model)
    assert asked is not None
    known.succeeded(asked, model)


def pauses(times: int) -> list[float]:
    """Ask so many times as soon as it is allowed, in vain; return the pauses in minutes."""
    known, moment, found = CoolDowns(), timedelta(), []
    for _ in range(times):
        begin(known, at(moment))
        until = known.of(at(moment))[KEY]
        found.append((until - NOW - moment) / MINUTE)
        moment = until - NOW
        assert known.of(at(moment)) == {}
    return found


def test_the_pauses_double_from_a_minute_to_half_an_hour() -> None:
    assert pauses(8) == [1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(
    ("action", "key"),
    [
        (ASSIGN, KEY),
        (PREFIX, "subnet-0 IPv4 prefixes"),
        (IPV6, "subnet-0 IPv6 addresses"),
        (CREATE, "subnet-0"),
        (CREATE_PREFIX, "subnet-0 IPv4 prefixes"),
    ],
)
def test_who_had_no_room_for_one_thing_may_have_it_for_another(action: Action, key: str) -> None:
    known = CoolDowns()
    begin(known, at(), action)
    assert known.of(at()) == {key: NOW + SHORTEST}


def test_what_asks_nothing_of_a_subnet_cools_nothing_down() -> None:
    assert asked_of(AttachNic("i-1", 1, "eni-9"), at()) is None
    assert asked_of(replace(ASSIGN, eni_id="eni-unknown"), at()) is None


def test_refusals_of_one_pass_or_batch_are_one() -> None:
    known = CoolDowns()
    for after in (timedelta(), timedelta(), SHORTEST - TICK):
        begin(known, at(after))
    assert known.of(at(SHORTEST - TICK)) == {KEY: NOW + SHORTEST}


def test_the_last_refusal_of_a_pass_says_what_more_room_is() -> None:
    known = paused(free=9)
    begin(known, at(SHORTEST, free=2))
    assert known.of(at(2 * MINUTE, free=3)) == {}


def paused(free: int | None = 3, action: Action = ASSIGN) -> CoolDowns:
    """Return what is known after two refusals: the second pause is of two minutes."""
    known = CoolDowns()
    begin(known, at(), action)
    begin(known, at(SHORTEST, free=free), action)
    return known


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param(at(2 * MINUTE - TICK, free=9), {KEY: NOW + 3 * MINUTE}, id="not within a minute"),
        pytest.param(at(2 * MINUTE, free=3), {KEY: NOW + 3 * MINUTE}, id="not without more room"),
        pytest.param(at(2 * MINUTE, free=2), {KEY: NOW + 3 * MINUTE}, id="not with less"),
        pytest.param(at(2 * MINUTE, free=None), {KEY: NOW + 3 * MINUTE}, id="not when nobody counted"),
        pytest.param(replace(at(2 * MINUTE), subnets={}), {KEY: NOW + 3 * MINUTE}, id="not of an unknown subnet"),
        pytest.param(at(2 * MINUTE, free=4), {}, id="with more room"),
    ],
)
def test_more_room_ends_a_pause(model: ObservedNode, expected: Mapping[str, datetime]) -> None:
    assert paused().of(model) == expected


def test_a_count_of_which_nothing_was_known_at_the_refusal_ends_no_pause() -> None:
    assert paused(free=None).of(at(2 * MINUTE, free=9)) != {}


def test_the_count_of_ipv4_addresses_says_nothing_of_ipv6() -> None:
    assert paused(action=IPV6).of(at(2 * MINUTE, free=9)) != {}


def test_a_pause_that_more_room_ended_in_vain_is_followed_by_a_longer_one() -> None:
    known = paused()
    begin(known, at(2 * MINUTE, free=4))
    assert known.of(at(2 * MINUTE, free=4)) == {KEY: NOW + 6 * MINUTE}


@pytest.mark.parametrize("model", [at(3 * MINUTE), at(2 * MINUTE, free=9)])
def test_after_a_success_the_next_pause_is_short_again(model: ObservedNode) -> None:
    known = paused()
    succeed(known, model)
    begin(known, replace(model, now=model.now + TICK))
    assert known.of(model) == {KEY: model.now + TICK + SHORTEST}


def test_what_was_left_of_a_full_subnet_is_no_room_and_is_what_more_has_to_be_than() -> None:
    known = paused()
    succeed(known, at(SHORTEST, free=0))
    assert known.of(at(SHORTEST, free=0)) == {KEY: NOW + 3 * MINUTE}
    assert known.of(at(2 * MINUTE, free=1)) == {}


def test_a_success_where_nothing_cooled_down_is_nothing() -> None:
    known = CoolDowns()
    succeed(known, at())
    assert known.of(at()) == {}


def test_a_pause_is_forgotten_half_an_hour_after_its_end() -> None:
    for late, expected in ((timedelta(), SHORTEST), (TICK, 4 * MINUTE)):
        known, moment = paused(), 3 * MINUTE + LONGEST - late
        known.of(at(moment))
        begin(known, at(moment))
        assert known.of(at(moment)) == {KEY: NOW + moment + expected}
