"""`spiderpool-aws doctor` on clusters in which something is really wrong."""

from collections.abc import Callable

from spiderpool_aws.local.cluster.faults import Fault
from spiderpool_aws.local.demo import POLICY
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.stack import FUSE_PARAMETER, LocalStack
from tests.integration.cli.conftest import Ran, Run

On = Callable[[LocalStack], Run]


def results(ran: Ran, health: str) -> list[tuple[str, str, str]]:
    return [(one["topic"], one["message"], one["remedy"]) for one in ran.document if one["health"] == health]


def test_the_controller_that_is_down_is_seen_through_a_dry_run(stack: LocalStack, on: On) -> None:
    stack.cluster.controller_up = False
    ran = on(stack)("doctor", "-o", "json")
    ((topic, message, _),) = results(ran, "wrong")
    assert topic == "webhook"
    assert "webhook does not answer" in message


def test_an_api_server_that_does_not_answer_is_wrong_and_no_traceback(stack: LocalStack, on: On) -> None:
    with stack.cluster.failing(Fault.unavailable()):
        ran = on(stack)("doctor", "-o", "json")
    assert ran.code == 1
    assert {"API server", "CRDs", "endpoint"} <= {topic for topic, *_ in results(ran, "wrong")}


def put(stack: LocalStack, policy: str) -> None:
    stack.put_policy(policy)
    stack.bus.advance(1)


def tag(stack: LocalStack, resource: str, key: str, value: str) -> None:
    stack.model.call("CreateTags", {"Resources": [resource], "Tags": [{"Key": key, "Value": value}]})


def test_a_policy_that_the_instance_type_cannot_carry_is_told(stack: LocalStack, on: On) -> None:
    put(stack, POLICY.replace("deviceIndex: 1", "deviceIndex: 3").replace("{addresses: 7}", "{addresses: 10}"))
    told = [said for topic, said, _ in results(on(stack)("doctor", "-o", "json"), "wrong") if topic == "instance types"]
    assert len(told) == 1
    assert "m5.large cannot carry the policy: it has 3 NICs, and the policy wants device index 3" in told[0]
    assert "ens5 should hold 11 of IPv4, the host's own included, and a NIC has 10 slots" in told[0]


def test_a_naming_strategy_that_does_not_fit_is_told(stack: LocalStack, on: On) -> None:
    stack.bus.advance(900)
    put(stack, POLICY + "nodeName: instance-id\n")
    told = [said for topic, said, _ in results(on(stack)("doctor", "-o", "json"), "wrong") if topic == "node names"]
    assert len(told) == 1
    assert "nodeName: instance-id finds no Node of i-" in told[0]


def test_a_nic_without_the_tag_and_a_zone_without_a_subnet_are_told(stack: LocalStack, on: On) -> None:
    eni = next(eni for eni in stack.model.enis.values() if eni.attachment is not None)
    tag(stack, eni.id, "spiderpool-aws/cluster", "other")
    home = next(subnet for subnet in stack.model.subnets.values() if subnet.availability_zone.endswith("a"))
    tag(stack, home.id, "spare", "yes")
    put(stack, POLICY.replace("host: ens6,", "host: ens6, subnets: {tags: {spare: 'yes'}},"))
    wrong = results(on(stack)("doctor", "-o", "json"), "wrong")
    assert ("subnets", "no subnet of the policy's choice for ens6 is in eu-west-1b") in [one[:2] for one in wrong]
    (tags,) = [one for one in wrong if one[0] == "NIC tags"]
    assert tags[1] == f"1 NICs lack the tag spiderpool-aws/cluster=demo: {eni.id}"
    assert f"--resources {eni.id} " in tags[2]


def test_a_policy_that_no_resync_has_judged_is_told(stack: LocalStack, on: On) -> None:
    ssm = isolated_session(stack.model.region).client("ssm")
    ssm.delete_parameter(Name=FUSE_PARAMETER)
    ((topic, message, remedy),) = results(on(stack)("doctor", "-o", "json"), "wrong")
    assert (topic, message) == ("fuse", "removals are held: no resync has judged this policy yet")
    assert "spiderpool-aws resync" in remedy
    assert "! the fuse is whole, and removals are held: no resync has judged" in on(stack)("status").out
    assert "! removals are held: no resync has judged this policy yet" in on(stack)("plan").out


def test_a_policy_that_only_observes_and_a_fuse_that_is_tripped_are_told(stack: LocalStack, on: On) -> None:
    put(stack, POLICY.replace("{addresses: 7}", "{addresses: 3}"))
    ((topic, message, remedy),) = results(on(stack)("doctor", "-o", "json"), "wrong")
    assert (topic, "resync --dry-run" in remedy) == ("fuse", True)
    assert message.startswith("the pass would remove 48 of 276 addresses")
    put(stack, POLICY + "mode: observe\n")
    told = results(on(stack)("doctor", "-o", "json"), "wrong")
    assert ("policy", "its mode is observe: the functions change nothing", "set mode: apply") in told
