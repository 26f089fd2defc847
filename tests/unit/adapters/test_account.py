"""What the AWS account has of a deployment: each call, and what its answer means."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from spiderpool_aws.adapters.account import Account, FunctionFacts, TrailFacts
from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.permissions import Place

ARN = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/t"
ROLE = "arn:aws:iam::123456789012:role/spiderpool-aws-prod-resync"

ARN_OF_WORKER = "arn:aws:lambda:eu-west-1:123456789012:function:spiderpool-aws-prod-reconcile-nodes"
LOGIN = {"LOGIN": "web-identity", "AUDIENCE": "prod.example.org"}


class Scene:
    """One stubbed client per service."""

    def __init__(self) -> None:
        session: Any = isolated_session("eu-west-1")
        names = ("cloudtrail", "ec2", "events", "iam", "lambda", "sts")
        self.clients = {name: session.client(name) for name in names}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()
        self.account = Account(self.clients.__getitem__, Names("prod"))

    def trail(self, selectors: dict[str, Any], *, is_logging: bool = True) -> None:
        stub = self.stubs["cloudtrail"]
        trails = {"trailList": [{"Name": "t", "TrailARN": ARN}]}
        stub.add_response("describe_trails", trails, {"includeShadowTrails": True})
        stub.add_response("get_trail_status", {"IsLogging": is_logging}, {"Name": ARN})
        stub.add_response("get_event_selectors", selectors, {"TrailName": ARN})


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_caller_and_the_time_of_aws_are_told(scene: Scene) -> None:
    headers = {"HTTPHeaders": {"date": "Thu, 01 Jan 2026 12:00:00 GMT"}}
    said = {"Arn": "arn:aws:iam::1:user/me", "Account": "1", "ResponseMetadata": headers}
    scene.stubs["sts"].add_response("get_caller_identity", said)
    who = scene.account.identity()
    assert (who.arn, who.account, who.time) == ("arn:aws:iam::1:user/me", "1", datetime(2026, 1, 1, 12, tzinfo=UTC))


def test_a_function_is_asked_for_by_its_deployed_name(scene: Scene) -> None:
    answer = {
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Role": ROLE,
        "FunctionArn": ARN_OF_WORKER,
        "VpcConfig": {"VpcId": "vpc-1"},
        "Environment": {"Variables": {f"SPIDERPOOL_AWS_CLUSTER_{n}": v for n, v in LOGIN.items()}},
    }
    asked = {"FunctionName": "spiderpool-aws-prod-reconcile-nodes"}
    scene.stubs["lambda"].add_response("get_function_configuration", answer, asked)
    place = Place(ARN_OF_WORKER, "vpc-1", "web-identity", audience="prod.example.org")
    assert scene.account.function("reconcile_nodes") == FunctionFacts("Active", "Successful", ROLE, place)
    scene.stubs["lambda"].add_client_error("get_function_configuration", "ResourceNotFoundException")
    assert scene.account.function("resync") is None


@pytest.mark.parametrize(("state", "read"), [("Enabled", True), ("Disabled", False)])
def test_a_queue_is_read_while_the_mapping_is_enabled(scene: Scene, state: str, read: bool) -> None:
    asked = {"FunctionName": "spiderpool-aws-prod-reconcile-nodes"}
    answer = {"EventSourceMappings": [{"State": state}]}
    scene.stubs["lambda"].add_response("list_event_source_mappings", answer, asked)
    assert scene.account.queue_is_read() is read


def test_a_rules_state_is_its_own_and_empty_for_one_that_is_not_there(scene: Scene) -> None:
    stub = scene.stubs["events"]
    stub.add_response("describe_rule", {"State": "DISABLED"}, {"Name": "spiderpool-aws-prod-eni-call"})
    assert scene.account.rule_state("eni-call") == "DISABLED"
    stub.add_client_error("describe_rule", "ResourceNotFoundException")
    assert scene.account.rule_state("eni-call") == ""


BASIC = {"IncludeManagementEvents": True, "ReadWriteType": "All"}


def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"AdvancedEventSelectors": [{"FieldSelectors": list(fields)}]}


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}


@pytest.mark.parametrize(
    ("selectors", "has_writes"),
    [
        ({"EventSelectors": [BASIC]}, True),
        ({"EventSelectors": [BASIC | {"ReadWriteType": "WriteOnly"}]}, True),
        ({"EventSelectors": [BASIC | {"ReadWriteType": "ReadOnly"}]}, False),
        ({"EventSelectors": [BASIC | {"IncludeManagementEvents": False}]}, False),
        ({"EventSelectors": []}, False),
        (advanced(MANAGEMENT), True),
        (advanced(MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}), True),
        (advanced(MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}), False),
        (advanced({"Field": "eventCategory", "Equals": ["Data"]}), False),
    ],
)
def test_a_trail_counts_when_it_records_management_events_that_write(
    scene: Scene, selectors: dict[str, Any], has_writes: bool
) -> None:
    scene.trail(selectors)
    assert list(scene.account.trails()) == [TrailFacts("t", is_logging=True, has_writes=has_writes)]


def test_a_trail_that_is_stopped_is_told_as_such(scene: Scene) -> None:
    scene.trail({"EventSelectors": [BASIC]}, is_logging=False)
    assert not scene.account.trails()[0].is_logging


def test_federation_is_on_off_or_was_never_switched_on(scene: Scene) -> None:
    stub, call = scene.stubs["iam"], "get_outbound_web_identity_federation_info"
    stub.add_response(call, {"JwtVendingEnabled": True, "IssuerIdentifier": "https://x"})
    stub.add_response(call, {"JwtVendingEnabled": False})
    stub.add_client_error(call, "FeatureDisabledException", http_status_code=404)
    assert [scene.account.federation_is_on() for _ in range(3)] == [True, False, False]


def test_a_write_is_tried_as_a_dry_run_only(scene: Scene) -> None:
    asked = {"NetworkInterfaceId": "eni-1", "DryRun": True}
    stub = scene.stubs["ec2"]
    stub.add_client_error("delete_network_interface", "DryRunOperation", expected_params=asked)
    scene.account.try_write("delete_network_interface", {"NetworkInterfaceId": "eni-1"})
    stub.add_client_error("delete_network_interface", "UnauthorizedOperation", "no", expected_params=asked)
    with pytest.raises(Refused, match="allow ec2:DeleteNetworkInterface") as refused:
        scene.account.try_write("delete_network_interface", {"NetworkInterfaceId": "eni-1"})
    assert refused.value.code is Code.FORBIDDEN
