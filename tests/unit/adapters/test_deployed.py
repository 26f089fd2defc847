"""What a deployment has running, asked by the names of `deployment.Names`."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from spiderpool_aws.adapters.deployed import Deployed, QueueDepth
from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.errors import Refused, RetryLater
from spiderpool_aws.local.isolated import isolated_session

NAMES = Names("prod")
FUNCTION = "spiderpool-aws-prod-resync"
WORKER = "spiderpool-aws-prod-reconcile-nodes"


class Scene:
    """One stubbed client per service."""

    def __init__(self) -> None:
        session: Any = isolated_session("eu-west-1")
        self.clients = {name: session.client(name) for name in ("lambda", "sqs", "ssm")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()
        self.deployed = Deployed(self.clients.__getitem__, NAMES)

    def answers(self, payload: Any, **more: str) -> None:
        body = json.dumps(payload).encode()
        answer = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(body), len(body)), **more}
        self.stubs["lambda"].add_response("invoke", answer, {"FunctionName": FUNCTION, "Payload": b'{"dryRun": true}'})


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_resync_is_invoked_by_its_name_and_its_answer_returned(scene: Scene) -> None:
    scene.answers({"done": True})
    assert scene.deployed.resync({"dryRun": True}) == {"done": True}


def test_a_function_that_fails_says_so_in_its_own_words(scene: Scene) -> None:
    scene.answers({"errorMessage": "confirm: no", "errorType": "MalformedEvent"}, FunctionError="Unhandled")
    with pytest.raises(Refused, match=f"^{FUNCTION} failed: confirm: no$"):
        scene.deployed.resync({"dryRun": True})


def test_an_answer_that_is_none_of_a_resync_is_not_taken_for_one(scene: Scene) -> None:
    scene.answers(None)
    with pytest.raises(RetryLater, match="which is no answer of a resync"):
        scene.deployed.resync({"dryRun": True})


def test_a_cluster_that_is_not_deployed_is_told_so(scene: Scene) -> None:
    scene.stubs["lambda"].add_client_error("invoke", "ResourceNotFoundException", "Function not found")
    with pytest.raises(RetryLater, match="is the cluster 'prod' deployed in this account and region"):
        scene.deployed.resync({})


@pytest.mark.parametrize(("answer", "runs"), [({}, True), ({"ReservedConcurrentExecutions": 0}, False)])
def test_a_worker_runs_unless_its_concurrency_is_0(scene: Scene, answer: dict[str, Any], runs: bool) -> None:
    scene.stubs["lambda"].add_response("get_function_concurrency", answer, {"FunctionName": WORKER})
    assert scene.deployed.worker_runs() is runs


def test_a_worker_that_is_not_there_does_not_run_and_one_that_may_not_be_seen_is_no_answer(scene: Scene) -> None:
    scene.stubs["lambda"].add_client_error("get_function_concurrency", "ResourceNotFoundException", "none")
    assert not scene.deployed.worker_runs()
    scene.stubs["lambda"].add_client_error("get_function_concurrency", "AccessDeniedException", "no")
    with pytest.raises(RetryLater, match="allow lambda:GetFunctionConcurrency"):
        scene.deployed.worker_runs()


def test_when_the_policy_was_changed_is_the_parameters_own_time(scene: Scene) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    asked = {"Names": ["/spiderpool-aws/prod/policy"]}
    scene.stubs["ssm"].add_response("get_parameters", {"Parameters": [{"LastModifiedDate": moment}]}, asked)
    assert scene.deployed.policy_changed_at() == moment
    scene.stubs["ssm"].add_response("get_parameters", {"Parameters": []}, asked)
    assert scene.deployed.policy_changed_at() is None


def test_messages_count_wherever_they_are_in_a_queue_and_a_queue_that_is_not_there_has_no_number(scene: Scene) -> None:
    sqs = scene.stubs["sqs"]
    counts = {
        "ApproximateNumberOfMessages": "2",
        "ApproximateNumberOfMessagesNotVisible": "3",
        "ApproximateNumberOfMessagesDelayed": "1",
    }
    sqs.add_response("get_queue_url", {"QueueUrl": "u"}, {"QueueName": "spiderpool-aws-prod-requests.fifo"})
    sqs.add_response("get_queue_attributes", {"Attributes": counts}, {"QueueUrl": "u", "AttributeNames": [*counts]})
    sqs.add_client_error("get_queue_url", "AWS.SimpleQueueService.NonExistentQueue", "none")
    sqs.add_response("get_queue_url", {"QueueUrl": "l"}, {"QueueName": "spiderpool-aws-prod-lost-events"})
    sqs.add_response("get_queue_attributes", {"Attributes": {}}, {"QueueUrl": "l", "AttributeNames": [*counts]})
    assert list(scene.deployed.queues()) == [
        QueueDepth("requests", 6),
        QueueDepth("dead-requests", None, dead=True),
        QueueDepth("lost-events", 0, dead=True),
    ]
