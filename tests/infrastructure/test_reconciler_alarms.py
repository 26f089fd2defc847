"""A person hears of what does not mend itself, and the metrics are those that the functions count."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from spiderpool_aws.adapters import deployed
from spiderpool_aws.cli import dlq
from spiderpool_aws.deployment import FUNCTIONS, Names
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.metrics import DIMENSION, FURTHER_DIMENSIONS, NAMESPACE, Metric
from spiderpool_aws.queries import QUERIES
from tests.infrastructure.contexts import ROOT, alone, modes
from tests.infrastructure.templates import Properties, of_type, plain, reconciler

NAMES = Names("demo")


def alarms() -> dict[str, Properties]:
    found = of_type(reconciler(), "AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].removeprefix("spiderpool-aws-demo-"): alarm for alarm in found}


def watched(alarm: Properties) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield namespace, name and dimensions of each metric of an alarm."""
    if "MetricName" in alarm:
        yield alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]
    for each in alarm.get("Metrics", []):
        if "MetricStat" in each:
            metric = each["MetricStat"]["Metric"]
            yield metric["Namespace"], metric["MetricName"], metric["Dimensions"]


def test_there_is_an_alarm_for_everything_that_does_not_mend_itself() -> None:
    functions = {f"{f.name.replace('_', '-')}-{what}" for f in FUNCTIONS for what in ("errors", "throttles")}
    assert set(alarms()) == functions | {
        *("dead-requests", "lost-events", "old-requests", "resync-silent"),
        *("refused-pools", "reconciles-refused", "exhausted-subnets", "nodes-not-ready"),
        *("fuse-tripped", "policy-invalid", "cluster-mismatch"),
    }


def test_the_table_of_alarms_has_each_of_them_with_cause_and_cure() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"<!-- alarms -->\n(.*?)<!-- /alarms -->", text, re.DOTALL)
    _, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    assert sorted(name.strip("`") for name, *_ in rows) == sorted(alarms())
    assert [row for row in rows if len(row) != 5 or not all(row)] == []


@pytest.mark.parametrize(
    ("alarm", "metrics"),
    [
        (
            "refused-pools",
            {
                Code.REFUSED,
                Code.INVALID,
                Code.DENIED,
                Code.FORBIDDEN,
                Metric.FOREIGN_POOL,
                Metric.FOREIGN_MULTUS_CONFIG,
            },
        ),
        ("exhausted-subnets", {Code.SUBNET_EXHAUSTED, Metric.CAPACITY_LIMITED}),
        ("nodes-not-ready", {Metric.WAITS_GIVEN_UP}),
        ("fuse-tripped", {Metric.FUSE_TRIPPED}),
        ("policy-invalid", {Metric.POLICY_INVALID}),
        ("reconciles-refused", {Metric.RECONCILES_REFUSED}),
    ],
)
def test_an_alarm_looks_at_what_the_functions_count(alarm: str, metrics: set[str]) -> None:
    assert {name for namespace, name, _ in watched(alarms()[alarm]) if namespace == NAMESPACE} == metrics


def test_the_functions_own_metrics_are_looked_for_under_this_clusters_functions() -> None:
    functions = {NAMES.of(function.name) for function in FUNCTIONS}
    looked = [dimensions for alarm in alarms().values() for ns, _, dimensions in watched(alarm) if ns == NAMESPACE]
    assert looked
    for [dimension] in looked:
        assert dimension["Name"] == DIMENSION
        assert dimension["Value"] in functions


def test_a_sum_has_no_more_metrics_than_an_alarm_takes() -> None:
    most = max(len(list(watched(alarm))) for alarm in alarms().values())
    from stacks.reconciler.alarms import MOST_METRICS

    assert most <= MOST_METRICS


def test_a_metric_that_nobody_counts_is_no_alarm_but_a_resync_that_nobody_invokes_is() -> None:
    silent = {name: alarm["TreatMissingData"] for name, alarm in alarms().items()}
    assert silent.pop("resync-silent") == "breaching"
    assert set(silent.values()) == {"notBreaching"}


def test_one_dead_letter_is_enough_and_an_old_request_is_older_than_any_wait() -> None:
    for name in ("dead-requests", "lost-events"):
        assert (alarms()[name]["Threshold"], alarms()[name]["Statistic"]) == (1, "Maximum")
    assert alarms()["old-requests"]["Threshold"] == 26 * 60


def test_the_alarm_of_a_dead_letter_has_the_command_that_names_the_instance_and_the_queue_is_the_one_it_reads() -> None:
    kept = {queue["QueueName"] for queue in of_type(reconciler(), "AWS::SQS::Queue").values()}
    for name, queue in (("dead-requests", dlq.QUEUES["requests"]), ("lost-events", dlq.QUEUES["events"])):
        assert "spiderpool-aws dlq list --cluster demo" in alarms()[name]["AlarmDescription"]
        assert NAMES.of(queue) in kept
    assert {NAMES.of(queue) for queue in deployed.QUEUES.values()} <= kept


def test_every_alarm_tells_the_topic_of_the_context_also_when_all_is_well_again() -> None:
    context = modes()["full"]
    for alarm in of_type(reconciler(**context), "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [context["alarmTopicArn"]]


def test_without_a_topic_nobody_is_told() -> None:
    assert all("AlarmActions" not in alarm for alarm in alarms().values())


def test_the_dashboard_shows_every_alarm_and_queue() -> None:
    template = reconciler(**alone())
    [dashboard] = of_type(template, "AWS::CloudWatch::Dashboard").values()
    assert plain(dashboard["DashboardName"]) == "spiderpool-aws-demo-reconciler-eu-west-1"
    parts = dashboard["DashboardBody"]["Fn::Join"][1]
    referred = {part["Fn::GetAtt"][0] for part in parts if isinstance(part, dict) and "Fn::GetAtt" in part}
    assert set(of_type(template, "AWS::CloudWatch::Alarm")) <= referred
    assert set(of_type(template, "AWS::SQS::Queue")) <= referred


def test_the_dashboard_shows_launches_waits_refusals_subnets_and_calls() -> None:
    [dashboard] = of_type(reconciler(), "AWS::CloudWatch::Dashboard").values()
    body = str(plain(dashboard["DashboardBody"]))
    figures = (Metric.LAUNCH_TO_POOLS, Metric.NODES_WAITING, Metric.POOLS_REFUSED, *FURTHER_DIMENSIONS)
    assert [metric for metric in figures if metric not in body] == []
    for metric, dimension in FURTHER_DIMENSIONS.items():
        service = NAMES.of("resync")
        wanted = f'{{SpiderpoolAws,service,{dimension}}} MetricName=\\"{metric}\\" service=\\"{service}\\"'
        assert wanted in body


def test_every_query_is_saved_with_the_log_groups_of_its_functions() -> None:
    template = reconciler()
    groups = {group["LogGroupName"] for group in of_type(template, "AWS::Logs::LogGroup").values()}
    saved = {query["Name"]: query for query in of_type(template, "AWS::Logs::QueryDefinition").values()}
    assert set(saved) == {f"spiderpool-aws-demo/{query.name}" for query in QUERIES}
    for query in QUERIES:
        one = saved[f"spiderpool-aws-demo/{query.name}"]
        assert one["QueryString"] == f"# {query.question}\n{query.text}"
        assert len(one["LogGroupNames"]) == len(query.functions)
        assert set(one["LogGroupNames"]) <= groups
