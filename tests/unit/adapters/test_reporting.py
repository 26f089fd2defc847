import json
from datetime import UTC, datetime, timedelta

import pytest

from spiderpool_aws.adapters.clock import SystemClock
from spiderpool_aws.adapters.reporting import PowertoolsReporter


def test_counts_are_summed_and_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = PowertoolsReporter("reconcile_nodes")
    for _ in range(3):
        reporter.count("EventsRouted")
    reporter.count("FuseTripped", 0)
    reporter.flush()
    [line] = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    assert document["EventsRouted"] == [3.0]
    assert document["FuseTripped"] == [0.0]
    assert document["service"] == "reconcile_nodes"
    [metrics] = document["_aws"]["CloudWatchMetrics"]
    assert (metrics["Namespace"], metrics["Dimensions"]) == ("SpiderpoolAws", [["service"]])
    reporter.flush()
    assert capsys.readouterr().out == ""


def test_fields_never_take_the_place_of_the_loggers_own(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = PowertoolsReporter("reporting-test")
    reporter.warning("something", name="n", level="x", module="m")
    reporter.info("else")
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["level"], first["message"]) == ("WARNING", "something")
    assert first["detail"] == {"name": "n", "level": "x", "module": "m"}
    assert "detail" not in second


def test_the_clock_tells_the_time_in_utc() -> None:
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    assert now > datetime(2026, 1, 1, tzinfo=UTC)
