"""The table of `adapters/aws_errors.py`, line by line."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from spiderpool_aws.adapters.aws_errors import Call, Meanings, aws_errors
from spiderpool_aws.domain.errors import Code, Refused, RetryLater

ENI = "eni-0a"
NO_MEANINGS = Meanings()
URL = "https://ec2.eu-west-1.amazonaws.com"


def answer(code: str, message: str = "text", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "AssignPrivateIpAddresses",
    )


def outcome_of(error: Exception, call: Call = Call.ADDING, meanings: Meanings = NO_MEANINGS) -> RetryLater | Refused:
    with (
        pytest.raises((RetryLater, Refused)) as caught,
        aws_errors("ec2:AssignPrivateIpAddresses", ENI, call, meanings=meanings),
    ):
        raise error
    assert caught.value.__cause__ is error
    return caught.value  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        pytest.param(answer("RequestLimitExceeded", status=503), 5, id="throttled by EC2"),
        pytest.param(answer("Throttling"), 5, id="throttled"),
        pytest.param(answer("InternalError", status=500), 30, id="a 500 may have taken effect"),
        pytest.param(answer("Unavailable", status=503), 30, id="a 503 may have taken effect"),
        pytest.param(ReadTimeoutError(endpoint_url=URL), 30, id="a time-out may have taken effect"),
        pytest.param(ConnectTimeoutError(endpoint_url=URL), 30, id="no connection"),
        pytest.param(EndpointConnectionError(endpoint_url=URL), 30, id="no route"),
        pytest.param(answer("PrivateIpAddressLimitExceeded"), 5, id="the NIC has more than we know"),
        pytest.param(answer("InvalidNetworkInterfaceID.NotFound"), 5, id="a new NIC lags, or it is gone"),
        pytest.param(answer("IncorrectState"), 5, id="a NIC in a transition"),
        pytest.param(answer("ExpiredToken"), None, id="expired credentials"),
        pytest.param(NoCredentialsError(), None, id="no credentials"),
    ],
)
def test_what_may_pass_is_retried_later(error: Exception, delay: float | None) -> None:
    outcome = outcome_of(error)
    assert isinstance(outcome, RetryLater)
    assert outcome.delay_seconds == delay
    assert "ec2:AssignPrivateIpAddresses of eni-0a" in outcome.reason


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(answer("InsufficientFreeAddressesInSubnet"), Code.SUBNET_EXHAUSTED, id="no addresses"),
        pytest.param(answer("InsufficientCidrBlocks"), Code.SUBNET_EXHAUSTED, id="no blocks"),
        pytest.param(
            answer("InvalidParameterValue", "There aren't sufficient free Ipv4 addresses or prefixes"),
            Code.SUBNET_EXHAUSTED,
            id="no room, in the words of create",
        ),
        pytest.param(answer("InvalidParameterValue", "bad"), Code.REFUSED, id="another bad value"),
        pytest.param(answer("UnauthorizedOperation"), Code.FORBIDDEN, id="not permitted"),
        pytest.param(ParamValidationError(report="count"), Code.REFUSED, id="a request that was never sent"),
    ],
)
def test_what_needs_a_person_is_refused_with_the_code(error: Exception, code: Code) -> None:
    outcome = outcome_of(error)
    assert isinstance(outcome, Refused)
    assert outcome.code == code


def test_a_missing_permission_names_the_action_and_leaves_out_what_nobody_can_read() -> None:
    message = "You are not authorized. Encoded authorization failure message: " + "x" * 900
    outcome = outcome_of(answer("UnauthorizedOperation", message))
    assert "allow ec2:AssignPrivateIpAddresses" in outcome.reason
    assert "xxx" not in outcome.reason


def test_an_unreachable_service_says_what_to_check() -> None:
    assert "NAT gateway or VPC endpoint" in outcome_of(EndpointConnectionError(endpoint_url=URL)).reason


@pytest.mark.parametrize(
    ("code", "hint"), [("NetworkInterfaceLimitExceeded", "Service Quotas"), ("AttachmentLimitExceeded", "larger")]
)
def test_a_limit_of_nics_says_what_to_do(code: str, hint: str) -> None:
    outcome = outcome_of(answer(code))
    assert isinstance(outcome, Refused)
    assert hint in outcome.reason


def test_only_a_write_is_ever_refused() -> None:
    assert isinstance(outcome_of(answer("UnauthorizedOperation"), Call.IDEMPOTENT), Refused)
    outcome = outcome_of(answer("UnauthorizedOperation"), Call.READ)
    assert isinstance(outcome, RetryLater)
    assert "allow ec2:AssignPrivateIpAddresses" in outcome.reason


@pytest.mark.parametrize("call", [Call.READ, Call.IDEMPOTENT])
@pytest.mark.parametrize(
    "error", [ReadTimeoutError(endpoint_url=URL), answer("InternalError", status=500)], ids=["time-out", "500"]
)
def test_what_may_be_done_again_is_retried_without_the_wait_of_an_addition(error: Exception, call: Call) -> None:
    outcome = outcome_of(error, call)
    assert isinstance(outcome, RetryLater)
    assert outcome.delay_seconds is None


def test_a_code_may_mean_something_else_for_one_action() -> None:
    meanings = Meanings(passing=("InvalidParameterValue: in use",), refused=("*.NotFound",))
    in_use = outcome_of(answer("InvalidParameterValue", "NIC is currently In use."), meanings=meanings)
    assert isinstance(in_use, RetryLater)
    assert in_use.delay_seconds == 5
    assert isinstance(outcome_of(answer("InvalidParameterValue", "bad"), meanings=meanings), Refused)
    assert isinstance(outcome_of(answer("InvalidGroup.NotFound"), meanings=meanings), Refused)


def test_what_means_done_ends_without_an_error() -> None:
    meanings = Meanings(done=("InvalidNetworkInterfaceID.NotFound",))
    with aws_errors("ec2:DeleteNetworkInterface", ENI, Call.IDEMPOTENT, meanings=meanings):
        raise answer("InvalidNetworkInterfaceID.NotFound")
    assert isinstance(outcome_of(answer("InvalidAttachmentID.NotFound"), meanings=meanings), RetryLater)
