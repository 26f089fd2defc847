import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from moto import mock_aws

from spiderpool_aws.adapters.control import HISTORY_PAGE, SsmControl
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.domain.fuse import Bound, Fuse, FuseState
from tests.unit.adapters.doubles import RecordingReporter

POLICY, FUSE = "/spiderpool-aws/policy", "/spiderpool-aws/fuse"


def policy_text(cluster: str = "prod", version: int = 1) -> str:
    interface = {"deviceIndex": 0, "host": "ens5", "multus": "ns/m", "ipv4": {"addresses": 5}}
    return json.dumps(
        {"version": version, "cluster": cluster, "groups": [{"name": "workers", "interfaces": [interface]}]}
    )


class Parameters:
    """SSM with the control on it; calls are counted."""

    def __init__(self) -> None:
        self.ssm: Any = boto3.client("ssm", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
        self.reporter = RecordingReporter()
        self.control = SsmControl(self.ssm, POLICY, FUSE, self.reporter)
        self.calls: Counter[str] = Counter()
        self.ssm.meta.events.register("before-call.ssm", lambda model, **_: self.calls.update([model.name]))

    def put(self, name: str, text: str) -> None:
        self.ssm.put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
        self.calls.clear()

    def cluster(self) -> str | None:
        policy = self.control.read().policy
        return policy.cluster if policy else None


@pytest.fixture
def parameters() -> Iterator[Parameters]:
    with mock_aws():
        yield Parameters()


def test_the_policy_and_a_whole_fuse_are_read_with_one_call(parameters: Parameters) -> None:
    parameters.put(POLICY, policy_text())
    control = parameters.control.read()
    assert control.policy is not None
    assert (control.policy.cluster, control.problem, control.fuse) == ("prod", "", Fuse())
    assert parameters.calls == {"GetParameters": 1}


def test_a_new_version_is_in_force_at_once(parameters: Parameters) -> None:
    parameters.put(POLICY, policy_text("one"))
    assert parameters.cluster() == "one"
    parameters.put(POLICY, policy_text("two"))
    assert parameters.cluster() == "two"


def test_a_policy_is_parsed_once_a_version(parameters: Parameters) -> None:
    parameters.put(POLICY, policy_text())
    assert parameters.control.read().policy is parameters.control.read().policy


def test_the_newest_valid_version_stays_in_force_and_the_problem_says_why(parameters: Parameters) -> None:
    for text in (policy_text("old"), policy_text("newest valid"), "clusterr: prod", policy_text(version=9)):
        parameters.put(POLICY, text.replace("newest valid", "newest-valid"))
    control = parameters.control.read()
    assert control.policy is not None
    assert control.policy.cluster == "newest-valid"
    assert "version 4 of the policy" in control.problem
    assert "version 2 stays in force" in control.problem
    parameters.calls.clear()
    assert parameters.control.read() == control
    assert parameters.calls == {"GetParameters": 1}


@pytest.mark.parametrize(
    "text",
    [
        "cluster: !!int abc",
        "cluster: !!timestamp x",
        f"version: 0x{'f' * 4000}",
        "cluster: 2026-99-99",
        "[" * 3000,
        "cluster: a\ncluster: b",
        "int: 1",
    ],
    ids=["a wrong tag", "a wrong time", "a long number", "an impossible date", "a deep nest", "a key twice", "a type"],
)
def test_no_text_whatever_takes_the_valid_version_out_of_force(parameters: Parameters, text: str) -> None:
    parameters.put(POLICY, policy_text())
    parameters.put(POLICY, text)
    control = parameters.control.read()
    assert control.policy is not None
    assert control.policy.cluster == "prod"
    assert "version 1 stays in force" in control.problem


def test_the_history_is_read_to_its_end(parameters: Parameters) -> None:
    parameters.put(POLICY, policy_text())
    for number in range(HISTORY_PAGE + 5):
        parameters.put(POLICY, f"broken: {number}")
    assert parameters.cluster() == "prod"
    assert parameters.calls == {"GetParameters": 1, "GetParameterHistory": 2}


def test_without_any_valid_version_nothing_is_in_force(parameters: Parameters) -> None:
    parameters.put(POLICY, "clusterr: prod")
    control = parameters.control.read()
    assert control.policy is None
    assert "nothing is done" in control.problem


def test_a_policy_that_is_not_there_is_named(parameters: Parameters) -> None:
    control = parameters.control.read()
    assert control.policy is None
    assert POLICY in control.problem


def test_parameters_that_cannot_be_read_are_retried_later(parameters: Parameters) -> None:
    parameters.ssm.meta.events.register("before-send.ssm", refuse)
    with pytest.raises(RetryLater, match="allow ssm:GetParameters"):
        parameters.control.read()


def refuse(request: Any, **_: Any) -> Any:
    class Raw:
        def stream(self) -> list[bytes]:
            return [b'{"__type": "AccessDeniedException", "message": "no"}']

    return AWSResponse(request.url, 400, HTTPHeaders(), Raw())


@pytest.mark.parametrize(
    "fuse",
    [
        Fuse(FuseState.TRIPPED, "abc", "11 of 40 pools would go", datetime(2026, 3, 1, tzinfo=UTC)),
        Fuse(FuseState.CONFIRMED, "abc", "", datetime(2026, 3, 1, tzinfo=UTC)),
        Fuse(policy="p"),
    ],
    ids=["tripped", "confirmed", "whole"],
)
def test_the_fuse_comes_back_as_it_was_written(parameters: Parameters, fuse: Fuse) -> None:
    assert parameters.control.write_fuse(fuse, instead_of=Fuse())
    assert parameters.control.read().fuse == fuse


def test_a_fuse_that_another_resync_has_changed_meanwhile_stays(parameters: Parameters) -> None:
    before, theirs = Fuse(policy="p"), Fuse(FuseState.TRIPPED, "abc", "too much", policy="p")
    parameters.control.write_fuse(theirs, instead_of=Fuse())
    assert not parameters.control.write_fuse(Fuse(policy="q"), instead_of=before)
    assert parameters.control.read().fuse == theirs
    assert parameters.control.write_fuse(before, instead_of=theirs)
    assert parameters.control.read().fuse == before


def test_a_fuse_that_is_stored_already_is_not_written_again(parameters: Parameters) -> None:
    parameters.control.write_fuse(Fuse(policy="p"), instead_of=Fuse())
    parameters.calls.clear()
    assert parameters.control.write_fuse(Fuse(policy="p"), instead_of=Fuse())
    assert parameters.calls == {"GetParameters": 1}


@pytest.mark.parametrize("operation", ["GetParameters", "PutParameter"])
def test_a_fuse_that_cannot_be_stored_is_tried_again_later(parameters: Parameters, operation: str) -> None:
    parameters.ssm.meta.events.register(f"before-send.ssm.{operation}", refuse)
    with pytest.raises(RetryLater):
        parameters.control.write_fuse(Fuse(policy="p"), instead_of=Fuse())


def test_the_largest_fuse_fits_a_standard_parameter(parameters: Parameters) -> None:
    bound = Bound(10**6, 10**8, 10**6, empty_listing=True, about="0123456789abcdef")
    since = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    largest = Fuse(FuseState.TRIPPED, "0" * 16, "😀" * 5000, since, doubtful=True, policy="0" * 16, bound=bound)
    assert parameters.control.write_fuse(largest, instead_of=Fuse())
    (stored,) = parameters.ssm.get_parameters(Names=[FUSE])["Parameters"]
    assert len(stored["Value"].encode()) <= 4096


def test_a_long_reason_is_cut_to_what_a_parameter_holds(parameters: Parameters) -> None:
    parameters.control.write_fuse(Fuse(FuseState.TRIPPED, "abc", "ä" * 5000), instead_of=Fuse())
    assert parameters.control.read().fuse.held.startswith("ää")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        "{}",
        '{"state": "open"}',
        '{"state": "whole", "since": "x"}',
        '{"state": "whole", "since": "2026-03-01T00:00:00"}',
    ],
)
def test_a_spoiled_fuse_counts_as_tripped(parameters: Parameters, text: str) -> None:
    parameters.put(FUSE, text)
    fuse = parameters.control.read().fuse
    assert fuse.state is FuseState.TRIPPED
    assert "delete it" in fuse.held
    assert parameters.reporter.warnings
