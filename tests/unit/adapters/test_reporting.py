import json
from datetime import UTC, datetime, timedelta

import pytest

from spiderpool_aws.about import About
from spiderpool_aws.adapters.clock import SystemClock
from spiderpool_aws.adapters.reporting import PowertoolsReporter
from spiderpool_aws.metrics import Metric


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


def test_every_line_has_what_it_is_about_and_the_block_around_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = PowertoolsReporter("about-test")
    reporter.begin("request-1")
    with reporter.about(About(instance="i-1", correlation_id="event-1")):
        with reporter.about(About(eni="eni-1", node="n")):
            reporter.info("inner")
        reporter.info("outer")
    reporter.info("none")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["instance"], line["eni"], line["node"], line["correlation_id"]) for line in lines] == [
        ("i-1", "eni-1", "n", "event-1"),
        ("i-1", "", "", "event-1"),
        ("", "", "", "request-1"),
    ]


def test_a_further_dimension_has_a_document_for_each_value_and_seconds_are_kept_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reporter = PowertoolsReporter("worker")
    for action in ("DescribeSubnets", "CreateTags", "CreateTags"):
        reporter.count(Metric.EC2_CALLS, of=action)
    reporter.measure(Metric.LAUNCH_TO_POOLS, 42.5)
    reporter.measure(Metric.LAUNCH_TO_POOLS, 61)
    reporter.flush()
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    calls = {document["action"]: document for document in documents if "action" in document}
    assert {action: document["Ec2Calls"] for action, document in calls.items()} == {
        "CreateTags": [2.0],
        "DescribeSubnets": [1.0],
    }
    for document in calls.values():
        assert [set(names) for names in document["_aws"]["CloudWatchMetrics"][0]["Dimensions"]] == [
            {"service", "action"}
        ]
    [launches] = [document for document in documents if "LaunchToPools" in document]
    assert launches["LaunchToPools"] == [42.5, 61]
    [metrics] = launches["_aws"]["CloudWatchMetrics"]
    assert (metrics["Dimensions"], metrics["Metrics"][0]["Unit"]) == ([["service"]], "Seconds")


def test_the_clock_tells_the_time_in_utc() -> None:
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    assert now > datetime(2026, 1, 1, tzinfo=UTC)
