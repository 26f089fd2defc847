"""The handlers as Lambda runs them: from the environment, one application a process."""

import json
from collections.abc import Iterator

import pytest

from lambdas import reconcile_nodes, resync, route_event
from spiderpool_aws.bootstrap import Application, application, function, install
from spiderpool_aws.local.functions import Handler, LambdaContext
from spiderpool_aws.ports import Deadline
from spiderpool_aws.settings import SettingsError
from tests.unit.events.recorded import load

CONTEXT = LambdaContext("function", "request-1", "arn:aws:lambda:eu-west-1:1:function:f", 60)


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    install(None)
    yield
    install(None)


@pytest.mark.parametrize(
    ("handler", "event", "variable"),
    [
        (route_event.handler, load("instance-running"), "SPIDERPOOL_AWS_LOST_EVENTS_URL"),
        (reconcile_nodes.handler, load("sqs-fifo-batch"), "SPIDERPOOL_AWS_DEAD_LETTER_URL"),
        (resync.handler, {}, "SPIDERPOOL_AWS_POLICY_PARAMETER"),
    ],
)
def test_a_function_whose_environment_is_not_complete_says_what_is_missing(
    handler: Handler, event: object, variable: str
) -> None:
    with pytest.raises(SettingsError, match=f"set {variable}: "):
        handler(event, CONTEXT)


def test_a_batch_knows_when_its_invocation_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Worker:
        def handle(self, event: object, deadline: Deadline) -> dict[str, list[dict[str, str]]]:
            seen.append(deadline.seconds_left())
            return {"batchItemFailures": []}

    monkeypatch.setattr(Application, "worker", Worker())
    reconcile_nodes.handler(load("sqs-fifo-batch"), CONTEXT)
    assert seen == [60]


def test_the_application_is_built_once_a_process() -> None:
    assert application("resync") is application("resync")


def test_every_line_carries_the_invocations_id_and_counts_are_written_also_when_the_function_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = application("lines")  # a name of its own: Powertools keeps one logger a name, with the stream it began with
    app.reporter.begin(CONTEXT.aws_request_id)
    app.reporter.warning("careful", subject="i-1")
    app.reporter.count("Findings", 2)
    with pytest.raises(ValueError, match="dryrun is not known"):
        resync.handler({"dryrun": True}, CONTEXT)
    line, metrics = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["message"], line["function_request_id"], line["service"]) == ("careful", "request-1", "lines")
    assert metrics["Findings"] == [2.0]


@pytest.mark.parametrize(("variable", "made"), [("AWS_LAMBDA_INITIALIZATION_TYPE", 1), ("ANOTHER", 0)])
def test_in_lambda_what_a_function_needs_is_made_before_its_first_event(
    monkeypatch: pytest.MonkeyPatch, variable: str, made: int
) -> None:
    monkeypatch.setenv(variable, "on-demand")
    asked: list[Application] = []
    function("resync", needs=asked.append)(lambda app, event, context: None)
    assert len(asked) == made
    assert all(app is application("resync") for app in asked)


def test_the_metrics_of_two_clusters_do_not_meet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "spiderpool-aws-blue-resync")
    app = application("resync")
    app.reporter.count("FuseTripped")
    app.reporter.flush()
    assert json.loads(capsys.readouterr().out)["service"] == "spiderpool-aws-blue-resync"
