"""What a pool's annotation remembers."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from spiderpool_aws.domain.memory import SKEW, Absence, PoolMemory, Surplus
from tests.unit.build import NOW, V4, v4


def test_the_pools_memory_survives_its_annotation() -> None:
    memory = PoolMemory(((NOW, v4("10.0.0.20-10.0.0.22")),), Absence(NOW, NOW), disabled=True, node_uid="u")
    assert PoolMemory.parse(memory.to_text(), V4) == memory
    assert PoolMemory.parse("not json", V4) == PoolMemory()
    assert PoolMemory.parse("[]", V4) == PoolMemory()


@pytest.mark.parametrize(
    "spoiled",
    [
        {"missing": {"x": 3}},
        {"missing": {"2026-01-02T03:04:05": ["10.0.0.1"]}},
        {"missing": {NOW.isoformat(): ["::1"]}},
        {"missing": 7},
        {"absentSince": "yesterday"},
        {"absentSince": "2026-01-02T03:04:05"},
    ],
)
def test_a_spoiled_field_of_the_memory_takes_no_other_with_it(spoiled: dict[str, object]) -> None:
    text = json.dumps({"disabled": True, "nodeUid": "u"} | spoiled)
    assert PoolMemory.parse(text, V4) == PoolMemory(disabled=True, node_uid="u")


@pytest.mark.parametrize(
    ("noted", "after"),
    [
        pytest.param(
            Absence(NOW - timedelta(minutes=5)), Absence(NOW - timedelta(minutes=5)), id="too near: as it was"
        ),
        pytest.param(
            Absence(NOW - timedelta(minutes=10)), Absence(NOW - timedelta(minutes=10), NOW), id="ten minutes on: proved"
        ),
        pytest.param(Absence(NOW - timedelta(minutes=31)), Absence(NOW), id="long ago: another absence, begun anew"),
        pytest.param(
            Absence(NOW - timedelta(minutes=60), NOW - timedelta(minutes=31)), Absence(NOW), id="proved long ago: anew"
        ),
    ],
)
def test_another_listing_without_the_instance_confirms_a_recent_absence_only(noted: Absence, after: Absence) -> None:
    assert noted.seen_again(NOW) == after


EARLY, LATE = NOW - timedelta(minutes=5), NOW + SKEW + timedelta(seconds=1)


def all_at(moment: datetime) -> PoolMemory:
    dated = ((moment, v4("10.0.0.1")),)
    return PoolMemory(
        missing=dated,
        absent=Absence(moment),
        disabled=True,
        node_uid="u",
        released=dated,
        surplus=Surplus(moment, "s"),
        interrupted=moment,
        leaving=moment,
        detached=moment,
    )


@pytest.mark.parametrize("moment", [EARLY, NOW, NOW + SKEW])
def test_what_was_noted_until_now_or_by_a_clock_that_is_ahead_stays(moment: datetime) -> None:
    memory = all_at(moment)
    assert PoolMemory.parse(memory.to_text(), V4).as_of(NOW) == memory


@pytest.mark.parametrize("moment", [LATE, datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)])
def test_a_note_of_the_future_is_none(moment: datetime) -> None:
    memory = all_at(moment)
    assert PoolMemory.parse(memory.to_text(), V4).as_of(NOW) == PoolMemory(disabled=True, node_uid="u")
    confirmed = PoolMemory(absent=Absence(NOW, moment))
    assert confirmed.as_of(NOW) == PoolMemory()


@pytest.mark.parametrize("field", ["missing", "released", "surplus", "absent", "interrupted", "leaving", "detached"])
def test_each_note_of_the_future_is_none_where_there_is_no_other(field: str) -> None:
    alone = replace(PoolMemory(node_uid="u"), **{field: getattr(all_at(LATE), field)})
    assert alone.as_of(NOW) == PoolMemory(node_uid="u")


def test_a_memory_without_anything_of_the_future_is_the_same_object() -> None:
    for memory in (all_at(EARLY), PoolMemory(node_uid="u"), PoolMemory()):
        assert memory.as_of(NOW) is memory


def test_only_what_lies_in_the_future_is_left_out() -> None:
    memory = PoolMemory(missing=((EARLY, v4("10.0.0.1")), (LATE, v4("10.0.0.2"))))
    assert memory.as_of(NOW).missing == ((EARLY, v4("10.0.0.1")),)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"])
def test_a_moment_out_of_the_calendar_or_without_a_zone_is_spoiled(text: str) -> None:
    fields = dict.fromkeys(("absentSince", "leaving", "interrupted", "detached"), text)
    spoiled = fields | {"missing": {text: ["10.0.0.1"]}, "released": {text: ["10.0.0.1"]}}
    document = spoiled | {"surplus": {"since": text, "size": "s"}, "disabled": True}
    assert PoolMemory.parse(json.dumps(document), V4) == PoolMemory(disabled=True)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"nodeUid": "\\ud800"}', '{"interrupted": true'])
def test_an_annotation_that_is_spoiled_as_a_whole_remembers_nothing(text: str) -> None:
    assert PoolMemory.parse(text, V4) == PoolMemory()


def test_what_was_released_twice_at_one_moment_rests_whole() -> None:
    memory = PoolMemory(released=((NOW, v4("10.0.0.1")), (NOW, v4("10.0.0.2"))))
    assert PoolMemory.parse(memory.to_text(), V4).released == ((NOW, v4("10.0.0.1-10.0.0.2")),)


def test_dated_addresses_come_the_oldest_first_whatever_zone_they_were_written_in() -> None:
    text = json.dumps(
        {"missing": {"2026-03-01T11:00:00+00:00": ["10.0.0.1"], "2026-03-01T12:00:00+02:00": ["10.0.0.2"]}}
    )
    assert [list(lost) for _, lost in PoolMemory.parse(text, V4).missing] == [["10.0.0.2"], ["10.0.0.1"]]
