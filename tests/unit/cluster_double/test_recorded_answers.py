"""The double gives the 64 answers that a real API server with Spiderpool gave: status, message, causes and object."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import ClusterDouble
from tests.unit.cluster_double.recorded import AFTER_A_WAIT, RECORDED, scrub


def replay() -> dict[str, tuple[int, Any]]:
    """Send all recorded requests in order, each a moment after the one before; return the answers by case."""
    clock = ManualClock()
    double = ClusterDouble(clock)
    answers = {}
    for row in RECORDED:
        clock.advance(6 if row["case"] in AFTER_A_WAIT else 0.1)
        path, query = urlsplit(row["path"]).path, dict(parse_qsl(urlsplit(row["path"]).query))
        headers = {"Authorization": f"Bearer {double.token}", "Content-Type": row["contentType"]}
        body = json.dumps(row["body"]).encode() if row["body"] is not None else None
        answer = double.request(row["method"], path, query, headers, body)
        answers[row["case"]] = answer.status, scrub(json.loads(json.dumps(answer.body)))
    return answers


@pytest.fixture(scope="module")
def replayed() -> dict[str, tuple[int, Any]]:
    return replay()


def test_there_are_64_recorded_answers() -> None:
    assert len(RECORDED) == 64


@pytest.mark.parametrize("row", [pytest.param(row, id=row["case"]) for row in RECORDED])
def test_answers_as_the_real_server(row: dict[str, Any], replayed: dict[str, tuple[int, Any]]) -> None:
    assert replayed[row["case"]] == (row["status"], row["answer"])


def test_two_replays_give_the_same_answers(replayed: dict[str, tuple[int, Any]]) -> None:
    assert replay() == replayed
