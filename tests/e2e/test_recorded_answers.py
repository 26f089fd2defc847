"""The recorded answers of a real Spiderpool, asked of a real API server with the double's rules as its webhooks.

What this adds to the same test on the double: the rules and the CRDs hold on the real way of a write.
"""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from tests.e2e.real_world import RealWorld
from tests.unit.cluster_double.recorded import AFTER_A_WAIT, RECORDED, scrub


@pytest.fixture(scope="module")
def replayed(real_world: RealWorld) -> dict[str, tuple[int, Any]]:
    """Send all recorded requests in order; return the answers by case."""
    real_world.clear()
    answers = {}
    for row in RECORDED:
        real_world.controller.count()
        if row["case"] in AFTER_A_WAIT:
            real_world.controller.settle()
        parts = urlsplit(row["path"])
        query = dict(parse_qsl(parts.query))
        path, body, content_type = unquote(parts.path), row["body"], row["contentType"]
        answer = real_world.admin.request(row["method"], path, body, content_type, **query)
        answers[row["case"]] = answer.status, scrub(answer.body)
    return answers


@pytest.mark.parametrize("row", [pytest.param(row, id=row["case"]) for row in RECORDED])
def test_answers_as_recorded(row: dict[str, Any], replayed: dict[str, tuple[int, Any]]) -> None:
    assert replayed[row["case"]] == (row["status"], row["answer"])
