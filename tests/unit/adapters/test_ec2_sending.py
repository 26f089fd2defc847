"""What goes over the wire, below botocore's retries: an answer is put where the HTTP response would come."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.errors import RetryLater

URL = "https://ec2.eu-west-1.amazonaws.com/"


class Raw:
    """An HTTP body that was read already."""

    def stream(self) -> list[bytes]:
        return [b""]


def unavailable() -> AWSResponse:
    return AWSResponse(URL, 503, HTTPHeaders(), Raw())


def lost() -> AWSResponse:
    raise ReadTimeoutError(endpoint_url=URL)


def connect(reply: Callable[[], AWSResponse]) -> tuple[Ec2Adapter, list[str]]:
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    sent: list[str] = []

    def before_send(request: Any, **_: Any) -> AWSResponse:
        sent.append(request.body.decode() if isinstance(request.body, bytes) else str(request.body))
        return reply()

    events: Any = session.events
    events.register("before-send.ec2", before_send)
    return Ec2Adapter.from_session(session), sent


@pytest.mark.parametrize("reply", [pytest.param(unavailable, id="503"), pytest.param(lost, id="time-out")])
@pytest.mark.parametrize("family", list(IPFamily))
@pytest.mark.parametrize("prefixes", [False, True])
def test_an_assignment_is_sent_once_and_looked_at_again_after_30_seconds(
    reply: Callable[[], AWSResponse], family: IPFamily, prefixes: bool
) -> None:
    ec2, sent = connect(reply)
    with pytest.raises(RetryLater) as caught:
        ec2.assign("eni-0a", family, 2, prefixes=prefixes)
    assert caught.value.delay_seconds == 30
    assert len(sent) == 1


def test_assigning_given_addresses_is_sent_once_and_never_takes_them_from_another_nic() -> None:
    ec2, sent = connect(unavailable)
    with pytest.raises(RetryLater):
        ec2.reassign("eni-0a", AddressSet.of(IPFamily.IPV4, ["10.0.0.11"]))
    assert len(sent) == 1
    assert "AllowReassignment" not in sent[0]


def test_reads_are_retried_by_botocore_and_writes_are_not() -> None:
    ec2, _ = connect(unavailable)
    assert ec2._reads.meta.config.retries == {"mode": "standard", "total_max_attempts": 3}  # type: ignore[attr-defined]
    assert ec2._writes.meta.config.retries == {"mode": "standard", "total_max_attempts": 1}  # type: ignore[attr-defined]
