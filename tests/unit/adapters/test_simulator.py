"""IAM's simulator: what it is asked, and what its answers mean."""

from typing import Any

import pytest
from botocore.stub import Stubber

from spiderpool_aws.adapters.account import Account
from spiderpool_aws.adapters.simulator import Denied, Denier
from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.permissions import Need

ROLE = "arn:aws:iam::123456789012:role/spiderpool-aws-prod-reconcile-nodes"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:requests.fifo"
NEED = Need("GiveBackRequests", (QUEUE,), {"aws:RequestedRegion": ("eu-west-1",)})
TAKE, GIVE = NEED.actions
OPERATION = "simulate_principal_policy"


class Simulator:
    """An account whose simulator answers as it is told."""

    def __init__(self) -> None:
        session: Any = isolated_session("eu-west-1")
        client = session.client("iam")
        self.stub = Stubber(client)
        self.stub.activate()
        self.account = Account(lambda _service: client, Names("prod"))

    def answers(self, *results: dict[str, Any], asked: dict[str, Any] | None = None, **more: Any) -> None:
        self.stub.add_response(OPERATION, {"EvaluationResults": list(results), **more}, asked)


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()


def result(action: str, decision: str = "allowed", **more: Any) -> dict[str, Any]:
    return {"EvalActionName": action, "EvalDecision": decision, **more}


def test_every_action_is_asked_for_with_its_resource_and_the_keys_in_their_types(simulator: Simulator) -> None:
    keys = {"sts:IdentityTokenAudience": ("a",), "sts:DurationSeconds": ("300",), "aws:RequestedRegion": ("eu-west-1",)}
    entries = [
        ("sts:IdentityTokenAudience", ["a"], "stringList"),
        ("sts:DurationSeconds", ["300"], "numeric"),
        ("aws:RequestedRegion", ["eu-west-1"], "string"),
    ]
    asked = {
        "PolicySourceArn": ROLE,
        "ActionNames": ["sts:GetWebIdentityToken"],
        "ResourceArns": ["*"],
        "ContextEntries": [
            {"ContextKeyName": name, "ContextKeyValues": values, "ContextKeyType": kind}
            for name, values, kind in entries
        ],
    }
    simulator.answers(result("sts:GetWebIdentityToken"), asked=asked)
    assert simulator.account.denied(ROLE, Need("AskForToken", ("*",), keys)) == []
    simulator.stub.assert_no_pending_responses()


NOT_BY_ORGANIZATION = {"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}
BY_ORGANIZATION = {"OrganizationsDecisionDetail": {"AllowedByOrganizations": True}}
NOT_BY_BOUNDARY = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False}}
OF_THE_QUEUE = {"EvalResourceName": QUEUE, "EvalResourceDecision": "implicitDeny", **NOT_BY_BOUNDARY}


@pytest.mark.parametrize(
    ("decision", "details", "by"),
    [
        ("implicitDeny", {}, Denier.NOBODY),
        ("implicitDeny", BY_ORGANIZATION, Denier.NOBODY),
        ("explicitDeny", {}, Denier.STATEMENT),
        ("explicitDeny", NOT_BY_ORGANIZATION, Denier.ORGANIZATION),
        ("implicitDeny", {**NOT_BY_ORGANIZATION, **NOT_BY_BOUNDARY}, Denier.ORGANIZATION),
        ("implicitDeny", NOT_BY_BOUNDARY, Denier.BOUNDARY),
        ("implicitDeny", {"ResourceSpecificResults": [OF_THE_QUEUE]}, Denier.BOUNDARY),
    ],
)
def test_what_is_denied_is_told_with_the_kind_of_policy_that_does_it(
    simulator: Simulator, decision: str, details: dict[str, Any], by: Denier
) -> None:
    simulator.answers(result(TAKE), result(GIVE, decision, **details))
    assert simulator.account.denied(ROLE, NEED) == [Denied(GIVE, by)]


def test_an_answer_of_several_pages_is_read_to_its_end(simulator: Simulator) -> None:
    simulator.answers(result(TAKE), IsTruncated=True, Marker="more")
    simulator.answers(result(GIVE, "implicitDeny"))
    assert simulator.account.denied(ROLE, NEED) == [Denied(GIVE, Denier.NOBODY)]


def test_who_may_not_ask_the_simulator_is_told_what_is_lacking(simulator: Simulator) -> None:
    simulator.stub.add_client_error(OPERATION, "AccessDenied", "no", http_status_code=403)
    with pytest.raises(Refused, match="allow iam:SimulatePrincipalPolicy") as raised:
        simulator.account.denied(ROLE, NEED)
    assert raised.value.code is Code.FORBIDDEN
