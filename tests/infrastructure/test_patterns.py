"""The rules' patterns on recorded events, by two engines: moto's, which the local bus uses, and AWS's own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from spiderpool_aws.events import ENI_CALLS, STATES
from spiderpool_aws.routes import ROUTES, pattern
from tests.infrastructure import ruler
from tests.unit.events.recorded import EVENTS, MATCHES, OWN_ROLES, POLICY_PARAMETER, load

Event = dict[str, Any]

PATTERNS = {
    route.name: found
    for route in ROUTES
    if (found := pattern(route, own_role_arns=OWN_ROLES, policy_parameter=POLICY_PARAMETER)) is not None
}
ROLE = "arn:aws:iam::111122223333:role/operator"


def changed(recorded: str, /, **detail: Any) -> Event:
    """Return a recorded event whose detail differs."""
    event = load(recorded)
    event["detail"] |= detail
    return event


def by_role(name: str, role: str, session: str) -> Event:
    """Return a recorded call of an assumed role as that of another role and session."""
    event = load(name)
    identity = event["detail"]["userIdentity"]
    identity["arn"] = f"{role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/{session}"
    identity["sessionContext"]["sessionIssuer"]["arn"] = role
    return event


def events() -> Iterator[tuple[str, Event, str | None]]:
    """Yield each event with its name, and the one rule that it matches."""
    for name, rule in MATCHES.items():
        yield name, load(name), rule
    for place, role in enumerate(OWN_ROLES):
        yield f"own-role-{place}", by_role("call-attach-by-role", role, "another-session"), None
        failed = by_role("call-attach-by-role", role, "s")
        failed["detail"]["errorCode"] = "Client.UnauthorizedOperation"
        yield f"own-role-{place}-failed", failed, None
        alike = by_role("call-attach-by-role", f"{role}-2", "s")
        yield f"role-named-alike-{place}", alike, "eni-call"
    yield "another-role", by_role("call-assign-by-own-role", ROLE, "s"), "eni-call"
    user = {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333"}
    root = {"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"}
    for who, identity in (("user", user), ("root", root)):
        yield f"{who}-without-session", changed("call-assign-by-own-role", userIdentity=identity), "eni-call"
        with_mfa = identity | {"sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}
        yield f"{who}-with-mfa", changed("call-assign-by-own-role", userIdentity=with_mfa), "eni-call"
    for call in ENI_CALLS:
        yield f"call-{call}", changed("call-attach-by-role", eventName=call), "eni-call"
        yield f"failed-{call}", changed("call-attach-by-role", eventName=call, errorCode="Client.InvalidID"), None
    for state in (*STATES, "pending", "rebooting"):
        yield f"state-{state}", changed("instance-running", state=state), "instance-state" if state in STATES else None
    yield "call-of-elb", changed("call-attach-by-role", eventSource="elasticloadbalancing.amazonaws.com"), None
    for name in ("instance-running", "call-attach-by-role", "policy-updated"):
        yield f"{name}-of-another-source", load(name) | {"source": "com.example"}, None
        yield f"{name}-of-another-type", load(name) | {"detail-type": "Something else"}, None
    yield "policy-created", changed("policy-updated", operation="Create"), "policy-change"
    yield "policy-deleted", changed("policy-updated", operation="Delete"), None
    yield "fuse-updated", changed("policy-updated", name=POLICY_PARAMETER.replace("policy", "fuse")), None
    yield "policy-of-another-cluster", changed("policy-updated", name="/spiderpool-aws/staging/policy"), None


def moto_matches(given: Event, event: Any) -> bool:
    return bool(EventPattern.load(json.dumps(given)).matches_event(event))


ALL = [pytest.param(event, rule, id=name) for name, event, rule in events()]
EXPECTED = {(name, rule) for name, _, rule in events() if rule}


@pytest.mark.parametrize(("event", "rule"), ALL)
def test_an_event_matches_its_rule_and_no_other(event: Event, rule: str | None) -> None:
    assert [name for name, given in PATTERNS.items() if moto_matches(given, event)] == ([rule] if rule else [])


def test_awss_own_engine_says_the_same_of_all_events_and_patterns(tmp_path: Path) -> None:
    documents = {name: event for name, event, _ in events()}
    assert len(documents) == len(ALL), "two events have one name"
    assert ruler.matches(PATTERNS, documents, tmp_path) == EXPECTED


def test_without_roles_to_leave_out_both_engines_take_every_caller(tmp_path: Path) -> None:
    open_to_all = {
        route.name: found for route in ROUTES if (found := pattern(route, policy_parameter=POLICY_PARAMETER))
    }
    own = by_role("call-attach-by-role", OWN_ROLES[0], "s")
    assert moto_matches(open_to_all["eni-call"], own)
    assert ruler.matches(open_to_all, {"own": own}, tmp_path) == {("own", "eni-call")}


def test_every_recorded_event_of_eventbridge_is_tried() -> None:
    recorded = {file.stem for file in EVENTS.glob("*.json") if "detail-type" in json.loads(file.read_text())}
    assert recorded == set(MATCHES)
