"""What a pool's annotation remembers."""

import json
from datetime import timedelta

import pytest

from spiderpool_aws.domain.memory import Absence, PoolMemory
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
