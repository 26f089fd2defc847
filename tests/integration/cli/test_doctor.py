"""`spiderpool-aws doctor`: whatever is wrong has its line and its remedy, and nothing is written."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.adapters.account import FunctionFacts, Identity, TrailFacts
from spiderpool_aws.adapters.cluster_facts import ClusterFacts
from spiderpool_aws.adapters.deployed import QueueDepth
from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.adapters.simulator import Denied, Denier
from spiderpool_aws.cli import demo_world
from spiderpool_aws.cli.checks_nodes import nodes
from spiderpool_aws.cli.connect import FileControl
from spiderpool_aws.cli.demo_world import DemoAccount, DemoDeployment, DemoFacts
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.policy.model import parse_policy
from spiderpool_aws.local.demo import POLICY
from spiderpool_aws.local.stack import LocalStack
from spiderpool_aws.permissions import Need, Place
from tests.integration.cli.conftest import Ran, Run

On = Callable[[LocalStack], Run]
Patch = pytest.MonkeyPatch
ROLE = "arn:aws:iam::123456789012:role/x"


@pytest.fixture(scope="module")
def still() -> Iterator[LocalStack]:
    """A complete cluster that no test changes."""
    with demo_world.demo_stack() as stack:
        yield stack


def results(ran: Ran, health: str) -> list[tuple[str, str, str]]:
    return [(one["topic"], one["message"], one["remedy"]) for one in ran.document if one["health"] == health]


def answer(owner: type, method: str, what: Any) -> Callable[[Patch], None]:
    """Have a method of a port answer this, or raise it."""

    def given(*_: Any, **__: Any) -> Any:
        if isinstance(what, Exception):
            raise what
        return what

    return lambda patch: patch.setattr(owner, method, given)


def test_a_cluster_in_order_has_nothing_wrong_and_every_line_of_trouble_a_remedy(still: LocalStack, on: On) -> None:
    ran = on(still)("doctor", "-o", "json")
    assert ran.code == 0
    assert results(ran, "wrong") == []
    assert [topic for topic, *_ in results(ran, "untried")] == ["permissions"]
    topics = {topic for topic, *_ in results(ran, "ok")}
    assert topics == {
        *("identity", "clock", "policy", "fuse", "functions", "rules", "trail", "federation", "endpoint", "queues"),
        *("permissions", "roles", "API server", "CRDs", "webhook", "enableStatefulSet", "RBAC", "instance types"),
        *("node names", "NIC tags", "subnets", "verify"),
    }
    lines = on(still)("doctor").out.splitlines()
    assert lines[-1].endswith("ok, 0 wrong, 1 untried")
    assert len(lines) == len(ran.document) + 1


def test_the_doctor_writes_nothing(still: LocalStack, on: On) -> None:
    still.model.calls.clear()
    fuse, pools = still.fuse(), still.cluster.objects("spiderippools")
    on(still)("doctor")
    done = [c for c in still.model.calls if not c.operation.startswith("Describe") and not c.params.get("DryRun")]
    assert done == []
    assert (still.fuse(), still.cluster.objects("spiderippools"), still.requests.messages) == (fuse, pools, [])


FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:x"
IDLE = FunctionFacts("Failed", "Failed", ROLE, Place(FUNCTION, "vpc-1", "web-identity"))
BY_KUBECONFIG = FunctionFacts("Active", "Successful", ROLE, Place(FUNCTION, "vpc-1", "kubeconfig"))
DEAD = [
    QueueDepth("requests", 0),
    QueueDepth("dead-requests", 3, dead=True),
    QueueDepth("lost-events", None, dead=True),
]
LATE = RetryLater("the API server cannot be reached")
CASES = {
    "functions that are not deployed": (
        answer(DemoAccount, "function", None), "functions", "is not deployed", "cdk deploy",
    ),
    "a function that failed": (answer(DemoAccount, "function", IDLE), "functions", "is Failed", "Lambda console"),
    "a queue nobody reads": (answer(DemoAccount, "queue_is_read", False), "functions", "takes nothing", "enable it"),
    "a rule that is off": (
        answer(DemoAccount, "rule_state", "DISABLED"), "rules", "eni-call is disabled", "enable-rule",
    ),
    "a rule that is not there": (
        answer(DemoAccount, "rule_state", ""), "rules", "there is no rule", "cdk deploy",
    ),
    "no trail": (answer(DemoAccount, "trails", []), "trail", "there is no trail", "-c trail=true"),
    "a trail that is off": (
        answer(DemoAccount, "trails", [TrailFacts("t", is_logging=False, has_writes=True)]), "trail",
        "t is not logging", "trail=true",
    ),
    "a trail of data only": (
        answer(DemoAccount, "trails", [TrailFacts("t", is_logging=True, has_writes=False)]), "trail",
        "t records no writes", "management events that write",
    ),
    "no federation": (answer(DemoAccount, "federation_is_on", False), "federation", "is off", "enable-outbound"),
    "an endpoint out of reach": (answer(DemoDeployment, "resync", LATE), "endpoint", "cannot be reached", "mend that"),
    "a resync that does nothing": (
        answer(DemoDeployment, "resync", {"done": False, "reason": "no valid policy"}), "endpoint", "no valid policy",
        "correct",
    ),
    "dead letters": (answer(DemoDeployment, "queues", DEAD), "queues", "3 messages in dead-requests", "redrive"),
    "a queue that is missing": (
        answer(DemoDeployment, "queues", DEAD), "queues", "no queue lost-events", "cdk deploy",
    ),
    "an old API server": (answer(DemoFacts, "version", "v1.29.9-eks"), "API server", "v1.29.9-eks has no", "1.30"),
    "an API server out of reach": (answer(DemoFacts, "version", LATE), "API server", "cannot be reached", "mend that"),
    "no CRDs": (answer(DemoFacts, "count", RetryLater("is Spiderpool v1.2 installed?")), "CRDs", "installed?", "Helm"),
    "a webhook that is down": (
        answer(DemoFacts, "try_pool", RetryLater("Spiderpool's webhook does not answer")), "webhook", "not answer",
        "mend",
    ),
    "StatefulSets": (
        answer(DemoFacts, "spiderpool_config", {"enableStatefulSet": True}), "enableStatefulSet", "it is on",
        "ipam.enableStatefulSet=false",
    ),
    "no rights": (
        answer(DemoFacts, "allows", False), "RBAC", "may not list spiderippools, create", "manifests rbac --role",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_told_with_its_remedy(case: str, still: LocalStack, on: On, monkeypatch: Patch) -> None:
    spoil, topic, message, remedy = CASES[case]
    spoil(monkeypatch)
    ran = on(still)("doctor", "-o", "json")
    assert ran.code == 1
    told = [(said, do) for about, said, do in results(ran, "wrong") if about == topic and message in said]
    assert told, ran.out
    assert remedy in told[0][1]
    assert {about for about, *_ in results(ran, "wrong")} <= {topic, "endpoint"}


def test_a_role_that_lacks_an_action_is_told_with_who_denies_it(still: LocalStack, on: On, monkeypatch: Patch) -> None:
    deniers = {"ChangeAddresses": Denier.NOBODY, "CreateNics": Denier.ORGANIZATION, "KeepDeadRequests": Denier.BOUNDARY}

    def denied(_self: DemoAccount, _role: str, need: Need) -> list[Denied]:
        return [Denied(need.actions[0], deniers[need.statement])] if need.statement in deniers else []

    monkeypatch.setattr(DemoAccount, "denied", denied)
    ran = on(still)("doctor", "-o", "json")
    assert ran.code == 1
    ((topic, message, remedy),) = results(ran, "wrong")
    assert (topic, message) == (
        "roles",
        "the role of spiderpool-aws-demo-reconcile-nodes may not sqs:SendMessage (the permissions boundary), "
        "ec2:AssignPrivateIpAddresses (no policy allows it), ec2:CreateNetworkInterface (a service control policy)",
    )
    assert [part for part in ("cdk deploy", "boundary", "service control") if part not in remedy] == []
    assert len([one for one in results(ran, "ok") if one[0] == "roles"]) == 2


def test_the_role_of_a_function_that_is_not_deployed_is_not_known(
    still: LocalStack, on: On, monkeypatch: Patch
) -> None:
    answer(DemoAccount, "function", None)(monkeypatch)
    told = [said for topic, said, _ in results(on(still)("doctor", "-o", "json"), "untried") if topic == "roles"]
    assert len(told) == 3
    assert "spiderpool-aws-demo-route-event is not deployed" in told[0]


def test_a_wrong_clock_is_told(still: LocalStack, on: On, monkeypatch: Patch) -> None:
    late = Identity("me", "1", still.clock.now() - timedelta(seconds=90))
    monkeypatch.setattr(DemoAccount, "identity", lambda _self: late)
    ran = on(still)("doctor", "-o", "json")
    assert results(ran, "wrong") == [("clock", "this machine's clock and AWS's differ by 90 s", "set the clock (NTP)")]


def test_without_a_permission_nothing_is_known_and_nothing_is_called_wrong(
    still: LocalStack, on: On, monkeypatch: Patch
) -> None:
    refused = Refused("cloudtrail:DescribeTrails is not permitted: allow it", Code.FORBIDDEN)
    for method in ("trails", "rule_state", "federation_is_on", "try_write", "denied"):
        answer(DemoAccount, method, refused)(monkeypatch)
    ran = on(still)("doctor", "-o", "json")
    assert ran.code == 0
    assert {topic for topic, *_ in results(ran, "untried")} == {"trail", "rules", "federation", "permissions", "roles"}
    assert any("your role may not ec2:CreateTags" in said for _, said, _ in results(ran, "untried"))


def test_federation_is_not_missed_where_another_login_is_used_and_the_users_are_not_known(
    still: LocalStack, on: On, monkeypatch: Patch
) -> None:
    answer(DemoAccount, "function", BY_KUBECONFIG)(monkeypatch)
    answer(DemoAccount, "federation_is_on", False)(monkeypatch)
    answer(DemoFacts, "version", "v1.28.0")(monkeypatch)
    answer(DemoFacts, "allows", True)(monkeypatch)
    ran = on(still)("doctor", "-o", "json")
    assert ran.code == 0
    assert ("RBAC", "your own user may do what the product does", "") in results(ran, "ok")
    assert "RBAC" in {topic for topic, *_ in results(ran, "untried")}


def test_a_subnet_without_ipv6_is_told_where_the_policy_wants_it(still: LocalStack, on: On, monkeypatch: Patch) -> None:
    read = Ec2Adapter.subnets

    def without_ipv6(self: Ec2Adapter, ids: Any, *, fresh: bool = False) -> Any:
        return {name: replace(subnet, ipv6=None) for name, subnet in read(self, ids, fresh=fresh).items()}

    monkeypatch.setattr(Ec2Adapter, "subnets", without_ipv6)
    answer(DemoDeployment, "resync", {"done": True, "instances": 6, "differing": 0})(monkeypatch)
    told = [one for one in results(on(still)("doctor", "-o", "json"), "wrong") if one[0] == "subnets"]
    assert len(told) == 4
    assert "has no IPv6, and the policy gives" in told[0][1]


def test_a_cluster_without_instances_says_that_nothing_could_be_looked_at(still: LocalStack) -> None:
    policy = parse_policy(POLICY.replace("role: worker", "role: nobody"))
    world = demo_world.world_of(still)
    core = replace(world.core, control=FileControl(world.core.control, policy))
    (only,) = nodes(replace(world, core=core))
    assert (only.topic, only.health) == ("nodes", "untried")


def test_the_dry_run_of_a_pool_stores_none(still: LocalStack) -> None:
    before = [pool["metadata"]["name"] for pool in still.cluster.objects("spiderippools")]
    facts = demo_world.world_of(still).facts
    assert isinstance(facts, ClusterFacts)
    facts.try_pool()
    assert [pool["metadata"]["name"] for pool in still.cluster.objects("spiderippools")] == before
