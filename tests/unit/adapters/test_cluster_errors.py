"""The table of `adapters/cluster_errors.py`, line by line, with the wordings that a real Spiderpool v1.2 gave."""

import json

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError, SSLError

from spiderpool_aws.adapters.cluster_errors import (
    ChangedSinceReadError,
    LoginHints,
    Operation,
    of_answer,
    of_refused_login,
    of_transport,
)
from spiderpool_aws.domain.errors import Refused, RetryLater, Unavailable

HOST = "https://10.0.0.10:6443"
HINTS = LoginHints("renew it", "check the CA")
APPLY = Operation("patch", "spiderippools.spiderpool.spidernet.io", "pool-a")
LIST = Operation("list", "spiderippools.spiderpool.spidernet.io")
WEBHOOK = 'admission webhook "spiderippool.spiderpool.spidernet.io" denied the request: '
INVALID = WEBHOOK + 'SpiderIPPool.spiderpool.spidernet.io "pool-a" is invalid: '


def outcome_of(
    status: int, message: str, operation: Operation = APPLY, headers: dict[str, str] | None = None
) -> RetryLater | Refused:
    return of_answer(operation, status, headers or {}, json.dumps({"message": message}).encode())


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        pytest.param(
            422, INVALID + "spec.ips: Forbidden: overlap with IPPool b in IP ranges [10.0.0.1]", "Overlap", id="overlap"
        ),
        pytest.param(
            422,
            INVALID + "spec.subnet: Invalid value: overlap with IPPool b which 'spec.subnet' is 10.0.0.0/24",
            "Invalid",
            id="a subnet that overlaps another does not go away by waiting",
        ),
        pytest.param(
            422,
            INVALID + "spec.ips: Forbidden: remove an IP address 10.0.0.1 that is being used by Pod default/p",
            "InUse",
            id="in use",
        ),
        pytest.param(422, INVALID + "spec.gateway: Invalid value", "Invalid", id="invalid"),
        pytest.param(403, WEBHOOK + "forbidden: cannot update a terminating IPPool", "Terminating", id="terminating"),
        pytest.param(403, WEBHOOK + "cannot delete an IPPool with allocated IPs(2)", "InUse", id="delete in use"),
        pytest.param(403, WEBHOOK + "no", "Denied", id="denied by another webhook"),
        pytest.param(
            403,
            'events "n.1" is forbidden: unable to create new content in namespace a because it is being terminated',
            "Denied",
            id="a namespace that is being deleted",
        ),
        pytest.param(403, 'User "x" cannot patch resource "spiderippools"', "Forbidden", id="RBAC"),
        pytest.param(409, 'Apply failed with 1 conflict: conflict with "kubectl": .spec.ips', "Conflict", id="owner"),
        pytest.param(409, "Precondition failed: UID in precondition: a, UID in object meta: b", "Conflict", id="uid"),
        pytest.param(
            422, 'invalid: metadata.uid: Invalid value: "a": field is immutable', "Conflict", id="uid, applied"
        ),
        pytest.param(500, ".spec.nodename: field not declared in schema", "Invalid", id="another schema"),
    ],
)
def test_what_waiting_does_not_mend_is_refused(status: int, message: str, code: str) -> None:
    outcome = outcome_of(status, message)
    assert isinstance(outcome, Refused)
    assert outcome.code == code


@pytest.mark.parametrize(
    ("status", "message", "headers", "delay"),
    [
        pytest.param(429, "too many", {"Retry-After": "7"}, 7, id="throttled"),
        pytest.param(429, "too many", {}, None, id="throttled without a delay"),
        pytest.param(503, "closed", {"Retry-After": "3600"}, 60, id="an hour is cut to a minute"),
        pytest.param(503, "closed", {"Retry-After": "9" * 400}, 60, id="a number that no clock has"),
        pytest.param(503, "closed", {"Retry-After": "\u00b2"}, None, id="a digit that is no number"),
        pytest.param(503, "closed", {"Retry-After": "1.5"}, None, id="no whole seconds"),
        pytest.param(503, "closed", {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, id="a date"),
        pytest.param(500, 'Internal error: failed calling webhook "spiderippool"', {}, 5, id="controller is down"),
        pytest.param(
            500, "failed calling webhook", {"Retry-After": "9"}, 9, id="controller is down, and says until when"
        ),
        pytest.param(500, "etcdserver: request timed out", {}, None, id="server error"),
        pytest.param(503, "unavailable", {"retry-after": "3"}, 3, id="starting"),
    ],
)
def test_what_may_pass_is_retried_later(
    status: int, message: str, headers: dict[str, str], delay: float | None
) -> None:
    outcome = outcome_of(status, message, headers=headers)
    assert isinstance(outcome, RetryLater)
    assert outcome.delay_seconds == delay


def test_a_change_since_the_read_is_told_apart() -> None:
    text = "the object has been modified; please apply your changes to the latest version and try again"
    outcome = outcome_of(409, text)
    assert isinstance(outcome, ChangedSinceReadError)
    assert outcome.delay_seconds == 1


def test_a_missing_permission_is_named_by_verb_and_resource() -> None:
    message = 'User "x" cannot patch resource "spiderippools" in API group "spiderpool.spidernet.io"'
    assert "needs the verb patch on spiderippools.spiderpool.spidernet.io" in outcome_of(403, message).reason


def test_a_namespace_that_is_being_deleted_is_no_missing_permission() -> None:
    reason = outcome_of(403, "unable to create new content in namespace a because it is being terminated").reason
    assert "is being terminated" in reason
    assert "manifests rbac" not in reason


def test_a_refused_login_says_what_its_way_of_logging_in_advises() -> None:
    assert of_refused_login(APPLY, HOST, HINTS).reason.endswith(f"{HOST} refused the token (401): renew it")


def test_a_read_is_never_refused() -> None:
    outcome = outcome_of(403, 'User "x" cannot list resource "spiderippools"', LIST)
    assert isinstance(outcome, RetryLater)
    assert "verb list" in outcome.reason


def test_an_answer_of_a_proxy_is_shown() -> None:
    outcome = of_answer(APPLY, 502, {}, b"<html>bad\n gateway</html>")
    assert "<html>bad gateway</html>" in outcome.reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            MaxRetryError(None, "/", NewConnectionError(None, "refused")),  # type: ignore[arg-type]
            "check the endpoint, the function's route",
            id="refused",
        ),
        pytest.param(ReadTimeoutError(None, "/", "timed out"), "security group", id="time-out"),  # type: ignore[arg-type]
        pytest.param(
            MaxRetryError(None, "/", SSLError("certificate verify failed")),  # type: ignore[arg-type]
            "check the CA",
            id="certificate",
        ),
        pytest.param(ApiException(status=0, reason="SSLError\nunknown ca"), "check the CA", id="TLS"),
    ],
)
def test_no_answer_says_where_to_look(error: Exception, words: str) -> None:
    outcome = of_transport(APPLY, error, HOST, HINTS)
    assert words in outcome.reason
    assert HOST in outcome.reason


def test_a_cluster_without_spiderpool_is_told_apart_from_an_empty_one() -> None:
    outcome = outcome_of(404, "the server could not find the requested resource", LIST)
    assert isinstance(outcome, RetryLater)
    assert "is Spiderpool v1.2 installed?" in outcome.reason


def test_an_apply_that_may_not_create_asks_for_the_right_to_create() -> None:
    outcome = outcome_of(403, 'User "x" cannot create resource "spiderippools" in API group "spiderpool.spidernet.io"')
    assert "needs the verb create on spiderippools.spiderpool.spidernet.io" in outcome.reason


def test_what_concerns_the_whole_api_server_ends_the_batch_and_what_concerns_one_write_does_not() -> None:
    everybody = [
        outcome_of(429, "slow down"),
        of_refused_login(APPLY, HOST, HINTS),
        of_transport(APPLY, NewConnectionError(None, "refused"), HOST, HINTS),  # type: ignore[arg-type]
        of_transport(APPLY, SSLError("certificate verify failed"), HOST, HINTS),
    ]
    assert {type(outcome) for outcome in everybody} == {Unavailable}
    assert not isinstance(outcome_of(500, "failed calling webhook"), Unavailable)
    assert not isinstance(outcome_of(409, "the object has been modified"), Unavailable)
