"""`verify` on the demo: what it would try; and what the command makes of what was found."""

import json
from collections.abc import Callable

import pytest

from spiderpool_aws.cli import verify
from spiderpool_aws.cli.demo_world import DemoFacts
from spiderpool_aws.cli.verify_plan import Kind, Verdict
from spiderpool_aws.cli.verify_run import Verification
from spiderpool_aws.local.stack import LocalStack
from spiderpool_aws.manifests.rbac import Rule
from tests.integration.cli.conftest import Ran, Run, run

GOOD = Verdict(Kind.POD_HOST, "pod a", "a 10.0.0.4", ok=True)
BAD = Verdict(Kind.EGRESS, "pod a", "http://outside", ok=False)


@pytest.fixture
def with_found(
    monkeypatch: pytest.MonkeyPatch, stack: LocalStack, on: Callable[[LocalStack], Run]
) -> Callable[..., Ran]:
    """Run the command as on a cluster in which this was found, and this could not be removed."""

    def command(found: list[Verdict], *arguments: str, left: tuple[str, ...] = ()) -> Ran:
        def told(run_: Verification) -> list[Verdict]:
            run_.left_behind.extend(left)
            return found

        monkeypatch.setattr(Verification, "run", told)
        monkeypatch.setattr(verify, "_probes", lambda _world: object())
        return on(stack)("verify", *arguments)

    return command


def test_a_dry_run_says_what_would_be_tried_and_creates_nothing(
    stack: LocalStack, on: Callable[[LocalStack], Run]
) -> None:
    before = stack.cluster.objects("pods")
    ran = on(stack)("verify", "--dry-run", "--nodes", "2", "--output", "json")
    kinds = {check["kind"] for check in ran.document["checks"]}
    assert (ran.code, ran.document["pods"]) == (0, 2 * 2 * 2 + 2)
    assert kinds == {Kind.POD_HOST, Kind.HOST_POD, Kind.POD_POD, Kind.CLUSTER_IP, Kind.EGRESS}
    assert stack.cluster.objects("pods") == before


def test_the_demo_itself_cannot_be_verified() -> None:
    ran = run("verify", "--demo")
    assert (ran.code, ran.out) == (1, "")
    assert "--dry-run" in ran.err


def test_it_ends_with_1_when_something_does_not_reach_what_it_should(with_found: Callable[..., Ran]) -> None:
    assert with_found([GOOD]).code == 0
    ran = with_found([GOOD, BAD])
    assert (ran.code, "FAILED egress: pod a to http://outside" in ran.out, "1 of 2" in ran.out) == (1, True, True)
    assert json.loads(with_found([GOOD, BAD], "--output", "json").out)[1] == {
        "kind": "egress",
        "source": "pod a",
        "target": "http://outside",
        "ok": False,
        "detail": "",
    }


def test_what_could_not_be_removed_is_named_with_the_command_that_does(with_found: Callable[..., Ran]) -> None:
    ran = with_found([GOOD], left=("pod/spiderpool-aws-verify-1-s0",))
    assert ran.err == "not removed: kubectl delete -n default pod/spiderpool-aws-verify-1-s0\n"


def test_a_cluster_without_a_free_address_is_told(stack: LocalStack, on: Callable[[LocalStack], Run]) -> None:
    for pool in stack.cluster.objects("spiderippools"):
        stack.cluster.put({**pool, "spec": {**pool["spec"], "disable": True}})
    ran = on(stack)("verify", "--dry-run")
    assert (ran.code, "no node has a pool of ours with a free address" in ran.err) == (1, True)


def test_who_could_not_remove_the_pods_again_creates_none(
    with_found: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def allows(_facts: DemoFacts, rule: Rule, verb: str, user: str = "") -> bool:
        return (rule.resource, verb, rule.namespace, user) != ("pods", "delete", "tests", "")

    monkeypatch.setattr(DemoFacts, "allows", allows)
    ran = with_found([GOOD], "--namespace", "tests")
    said = "spiderpool-aws: nothing was created: you may not delete pods in namespace tests\n"
    assert (ran.code, ran.out, ran.err) == (1, "", said)
    assert with_found([GOOD]).code == 0
