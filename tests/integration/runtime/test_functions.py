"""The functions as they are deployed: unpacked archives, Lambda's runtime client, and nothing else on the path."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from spiderpool_aws.deployment import FUNCTIONS
from tests.integration.runtime.sandbox import Sandbox
from tests.integration.runtime.world import RuntimeWorld, subjects


def test_an_event_of_ec2_goes_in_and_pools_come_out(sandbox: Sandbox, aws: RuntimeWorld) -> None:
    node = aws.launch()
    with sandbox.start("route_event", aws.variables) as route_event:
        answer = route_event.invoke(aws.told(node, "running"))
    assert (answer.failed, answer.document) == (False, {"enqueued": [node]})
    batch = aws.batch()
    assert subjects(batch) == [node]
    with sandbox.start("reconcile_nodes", aws.variables) as reconcile_nodes:
        answer = reconcile_nodes.invoke(batch)
        log = reconcile_nodes.output()
    assert not answer.failed, answer.document
    assert len(aws.assigned(node)) == 10
    pools = aws.pools()
    assert {(pool.identity.instance_id, pool.spec.ips.count()) for pool in pools if pool.identity} == {(node, 5)}
    assert {address for pool in pools for address in pool.spec.ips} == aws.assigned(node)
    assert [json.loads(line)["level"] for line in log.splitlines() if '"level":"ERROR"' in line] == []


def test_a_dry_run_of_the_resync_shows_the_plan_and_writes_nothing(sandbox: Sandbox, aws: RuntimeWorld) -> None:
    node = aws.launch()
    with sandbox.start("resync", aws.variables) as resync:
        answer = resync.invoke({"dryRun": True})
    assert not answer.failed, answer.document
    assert answer.document["differing"] == 1
    assert [plan["instance"] for plan in answer.document["plans"]] == [node]
    assert (aws.pools(), aws.batch()["Records"]) == ([], [])


def test_a_resync_enqueues_what_differs_and_one_process_serves_many_events(sandbox: Sandbox, aws: RuntimeWorld) -> None:
    node = aws.launch()
    with sandbox.start("resync", aws.variables) as resync:
        assert resync.invoke({"dryRun": True}).document["differing"] == 1
        assert not resync.invoke({}).failed
    assert subjects(aws.batch()) == [node]


@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_a_function_without_its_environment_starts_and_says_what_is_missing(sandbox: Sandbox, function: str) -> None:
    with sandbox.start(function, {}) as running:
        answer = running.invoke(
            {"detail-type": "Scheduled Event", "source": "aws.events", "id": "1", "time": "2026-01-01T00:00:00Z"}
        )
    assert (answer.failed, answer.in_init) == (True, False)
    assert answer.document["errorType"] == "SettingsError"
    assert "set SPIDERPOOL_AWS_QUEUE_URL: URL of the FIFO queue of requests" in answer.document["errorMessage"]


@pytest.mark.parametrize(
    ("function", "event"),
    [("route_event", {"source": "nobody"}), ("reconcile_nodes", {"Records": []}), ("resync", {"dryRun": True})],
)
def test_what_a_function_imports_is_in_the_archives_and_compiled(
    sandbox: Sandbox, aws: RuntimeWorld, function: str, event: dict[str, Any]
) -> None:
    with sandbox.start(function, aws.variables | {"PYTHONVERBOSE": "1"}) as running:
        running.invoke(event)
        loaded = re.findall("^# code object from '?([^'\n]+)'?$", running.output(), re.MULTILINE)
    ours = [path for path in loaded if path.startswith(str(sandbox.folder))]
    assert any("/opt/python/boto3/" in path for path in ours)
    assert [path for path in ours if not path.endswith(".pyc")] == []
    python = str(Path(sandbox.python).resolve().parents[1])
    assert [path for path in loaded if path not in ours and not path.startswith((python, str(sandbox.client)))] == []
