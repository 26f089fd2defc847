from datetime import datetime
from typing import Any

import pytest

from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.events import MalformedEvent, NodeEvent, ResyncEvent, ResyncRequest
from spiderpool_aws.routes import parse
from tests.unit.events.recorded import load

INSTANCE = "i-0f3fbbbc0298d1a86"
ENI = "eni-0a9c4b60624c0e41d"
ATTACHMENT = "eni-attach-00eb752237a160808"


def resync(event: object) -> ResyncRequest:
    return parse(event, ResyncEvent).to_resync("invocation-1")


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("instance-terminated", INSTANCE),
        ("call-attach-by-role", INSTANCE),
        ("call-create-by-service", ENI),
        ("call-delete-by-user", ENI),
        ("call-assign-ipv4-by-user", ENI),
        ("call-unassign-ipv4-by-root", ENI),
        ("call-assign-ipv6-wrapped", ENI),
        ("call-unassign-ipv6-wrapped", ENI),
        ("call-modify-by-user", ENI),
        ("call-detach-by-user", ATTACHMENT),
    ],
)
def test_an_event_says_whom_it_is_about_once(name: str, subject: str) -> None:
    event = load(name)
    (request,) = parse(event, NodeEvent).to_requests()
    assert (request.subject, request.event_id) == (subject, event["id"])


def test_the_state_is_dropped() -> None:
    running, terminated = load("instance-running"), load("instance-terminated")
    terminated["id"] = running["id"]
    assert parse(running, NodeEvent).to_requests() == parse(terminated, NodeEvent).to_requests()


def test_a_call_is_told_by_its_name() -> None:
    (request,) = parse(load("call-detach-by-user"), NodeEvent).to_requests()
    assert request == ReconcileRequest(ATTACHMENT, load("call-detach-by-user")["id"], "DetachNetworkInterface")


def deep(levels: int, leaf: dict[str, Any]) -> dict[str, Any]:
    return leaf if levels == 0 else {"inner": [deep(levels - 1, leaf)]}


def test_ids_are_found_in_whatever_case_and_nesting_cloudtrail_chooses() -> None:
    event = load("call-detach-by-user")
    event["detail"]["requestParameters"] = deep(3, {"NETWORKINTERFACEID": ENI})
    assert [r.subject for r in parse(event, NodeEvent).to_requests()] == [ENI]


def test_ids_are_not_looked_for_without_end() -> None:
    event = load("call-detach-by-user")
    event["detail"]["requestParameters"] = deep(40, {"networkInterfaceId": ENI})
    with pytest.raises(MalformedEvent, match="DetachNetworkInterface record has no instanceId"):
        parse(event, NodeEvent)


def test_a_call_about_several_nics_gives_a_request_for_each() -> None:
    event = load("call-delete-by-user")
    others = [ENI, "eni-11111111", ENI]
    event["detail"]["requestParameters"] = {"set": {"items": [{"networkInterfaceId": eni} for eni in others]}}
    assert [r.subject for r in parse(event, NodeEvent).to_requests()] == [ENI, "eni-11111111"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "id: "),
        ({"id": "with a space"}, "id: "),
        ({"detail": {}}, "detail.instance-id is missing"),
        ({"detail": None}, "detail: "),
        ({"detail": {"instance-id": "i-XYZ"}}, "detail.instance-id: 'i-XYZ' is not an instance id"),
        ({"detail": {"instance-id": 7}}, "detail.instance-id: "),
    ],
)
def test_a_malformed_event_is_refused_with_the_path_of_what_is_wrong(change: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedEvent) as refused:
        parse(load("instance-running") | change, NodeEvent)
    assert said in str(refused.value)
    assert "EC2 Instance State-change Notification" in str(refused.value)


@pytest.mark.parametrize("name", ["requestParameters", "responseElements"])
def test_a_record_whose_parameters_are_null_is_no_fault_by_itself(name: str) -> None:
    event = load("call-assign-ipv4-by-user")
    event["detail"][name] = None
    assert [r.subject for r in parse(event, NodeEvent).to_requests()] == [ENI]


@pytest.mark.parametrize("name", ["policy-updated", "scheduled"])
def test_policy_and_schedule_ask_for_all_under_their_own_id(name: str) -> None:
    event = load(name)
    at = datetime.fromisoformat(event["time"]) if name == "scheduled" else None
    assert resync(event) == ResyncRequest(event["id"], at=at)


@pytest.mark.parametrize(
    ("event", "request_"),
    [
        ({}, ResyncRequest("invocation-1")),
        ({"instanceIds": [INSTANCE, INSTANCE]}, ResyncRequest("invocation-1", instance_ids=(INSTANCE,))),
        ({"dryRun": True}, ResyncRequest("invocation-1", dry_run=True)),
        (
            {"dryRun": True, "pageToken": INSTANCE},
            ResyncRequest("invocation-1", dry_run=True, page_token=INSTANCE),
        ),
        ({"confirm": "ab12"}, ResyncRequest("invocation-1", confirm="ab12")),
    ],
)
def test_a_person_asks_for_all_or_some_or_a_plan_or_confirms(event: object, request_: ResyncRequest) -> None:
    assert resync(event) == request_


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"dryrun": True}, "dryrun is not known; what may be given: instanceIds, dryRun, confirm, pageToken"),
        ({"dryRun": "yes"}, "dryRun: "),
        ({"instanceIds": "i-0f3fbbbc0298d1a86"}, "instanceIds: "),
        ({"instanceIds": ["web-1"]}, "instanceIds.0: 'web-1' is not an instance id (i-0123456789abcdef0)"),
        ({"instanceIds": []}, "leave it out to mean all of them"),
        ({"pageToken": "i-1"}, 'add "dryRun": true'),
        ({"confirm": "ab12", "dryRun": True}, "give one of the two"),
        ({"confirm": "ab12", "instanceIds": ["i-0123456789abcdef0"]}, "leave instanceIds out"),
        ({"instance_ids": [INSTANCE]}, "instance_ids is not known"),
    ],
)
def test_a_wrong_manual_resync_is_refused_and_told_what_would_be_right(event: object, said: str) -> None:
    with pytest.raises(MalformedEvent, match="malformed manual resync") as refused:
        resync(event)
    assert said in str(refused.value)
