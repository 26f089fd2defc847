"""The queues have the figures of `deployment.py`, speak TLS only, and keep what nobody could work on."""

import pytest

from spiderpool_aws.deployment import MAX_RECEIVES, REQUEST_BYTES, VISIBILITY_TIMEOUT
from tests.infrastructure.templates import Properties, of_type, reconciler

DAY = 24 * 3600


def queue(name: str) -> tuple[str, Properties]:
    """Return a queue's logical id and properties."""
    [found] = [
        (logical, properties)
        for logical, properties in of_type(reconciler(), "AWS::SQS::Queue").items()
        if properties["QueueName"] == name
    ]
    return found


def test_requests_of_different_instances_neither_wait_for_nor_swallow_each_other() -> None:
    _, requests = queue("spiderpool-aws-demo-requests.fifo")
    assert requests["FifoQueue"] is True
    assert requests["DeduplicationScope"] == "messageGroup"
    assert requests["FifoThroughputLimit"] == "perMessageGroupId"
    assert requests.get("ContentBasedDeduplication") is None
    assert requests["VisibilityTimeout"] == VISIBILITY_TIMEOUT.total_seconds()


def test_a_request_that_kills_the_function_again_and_again_ends_in_the_fifo_dead_letters() -> None:
    dead, properties = queue("spiderpool-aws-demo-requests-dead.fifo")
    _, requests = queue("spiderpool-aws-demo-requests.fifo")
    redrive = requests["RedrivePolicy"]
    assert redrive == {"deadLetterTargetArn": {"Fn::GetAtt": [dead, "Arn"]}, "maxReceiveCount": MAX_RECEIVES}
    assert properties["FifoQueue"] is True


def test_the_dead_letters_have_room_for_any_request_and_its_reason() -> None:
    """SQS takes 262,144 bytes where the template does not say otherwise, or more; a reason has 4,000 at most."""
    assert queue("spiderpool-aws-demo-requests.fifo")[1]["MaximumMessageSize"] == REQUEST_BYTES
    assert "MaximumMessageSize" not in queue("spiderpool-aws-demo-requests-dead.fifo")[1]
    assert REQUEST_BYTES < 262_144 - 10_000


@pytest.mark.parametrize("name", ["requests-dead.fifo", "lost-events"])
def test_dead_letters_are_kept_for_a_fortnight(name: str) -> None:
    assert queue(f"spiderpool-aws-demo-{name}")[1]["MessageRetentionPeriod"] == 14 * DAY


@pytest.mark.parametrize("name", ["requests.fifo", "requests-dead.fifo", "lost-events"])
def test_every_queue_is_encrypted_and_refuses_what_does_not_come_over_tls(name: str) -> None:
    logical, properties = queue(f"spiderpool-aws-demo-{name}")
    assert properties["SqsManagedSseEnabled"] is True
    [statements] = [
        policy["PolicyDocument"]["Statement"]
        for policy in of_type(reconciler(), "AWS::SQS::QueuePolicy").values()
        if policy["Queues"] == [{"Ref": logical}]
    ]
    [denied] = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert (denied["Action"], denied["Principal"]) == ("sqs:*", {"AWS": "*"})
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
