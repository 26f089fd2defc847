"""`spiderpool-aws plan`: it shows what would be done, exactly that, and does nothing."""

from collections.abc import Callable
from typing import Any

from spiderpool_aws.cli.demo_world import assign_by_hand, edit_by_hand
from spiderpool_aws.local.demo import POLICY
from spiderpool_aws.local.stack import LocalStack
from tests.integration.cli.conftest import Run, run

On = Callable[[LocalStack], Run]
READS = {"get", "list"}


def changes(document: Any) -> list[dict[str, Any]]:
    return [change for instance in document["instances"] for change in instance["changes"]]


def test_a_cluster_that_is_as_it_should_be_has_an_empty_plan(stack: LocalStack, on: On) -> None:
    ran = on(stack)("plan")
    assert ran.code == 0
    assert "Nothing to do: 6 of 6 instances have converged." in ran.out


def test_addresses_that_somebody_assigned_are_shown_and_nothing_else(stack: LocalStack, on: On) -> None:
    known = {eni.id: set(eni.secondary_ips) for eni in stack.model.enis.values()}
    eni_id = assign_by_hand(stack)
    new = set(stack.model.enis[eni_id].secondary_ips) - known[eni_id]
    ran = on(stack)("plan", "--output", "json")
    assert ran.code == 2
    first, last = sorted(new)
    (change,) = changes(ran.document)
    assert (change["kind"], change["what"]) == ("remove", f"addresses of {eni_id}")
    assert change["removed"] == [f"{first}-{last}"]
    assert change["why"] == "the NIC holds more than the policy asks for"
    assert [ran.document[key] for key in ("add", "change", "remove", "converged")] == [0, 0, 1, 5]


def test_an_address_that_somebody_took_out_of_a_pool_is_shown_and_nothing_else(stack: LocalStack, on: On) -> None:
    pool, address = edit_by_hand(stack)
    ran = on(stack)("plan", "-o", "json")
    (change,) = changes(ran.document)
    assert (change["kind"], change["what"], change["added"]) == ("change", f"pool {pool}", [address])
    assert change["removed"] == change["updated"] == []


def test_the_plan_for_people_names_each_change_and_its_reason(stack: LocalStack, on: On) -> None:
    eni_id = assign_by_hand(stack)
    pool, address = edit_by_hand(stack)
    lines = [line.strip() for line in on(stack)("plan").out.splitlines()]
    assert f"- addresses of {eni_id}" in lines
    assert "why: the NIC holds more than the policy asks for" in lines
    assert f"~ pool {pool}" in lines
    assert f"+ {address}" in lines
    assert lines[-1] == "Plan: 0 to add, 1 to change, 1 to remove; 4 of 6 instances have converged."


def test_planning_writes_nothing_anywhere(stack: LocalStack, on: On) -> None:
    assign_by_hand(stack)
    edit_by_hand(stack)
    stack.model.calls.clear()
    stack.cluster.requests.clear()
    fuse, lines = stack.fuse(), len(stack.requests.messages)
    assert on(stack)("plan", "--all").code == 2
    assert {call.operation for call in stack.model.calls if not call.operation.startswith("Describe")} == set()
    assert {verb for verb, _, _ in stack.cluster.requests} <= READS
    assert len(stack.model.calls) > 0
    assert len(stack.cluster.requests) > 0
    assert (stack.fuse(), len(stack.requests.messages)) == (fuse, lines)
    assert on(stack)("plan", "--all").code == 2


def test_a_plan_of_one_instance_is_about_that_one(stack: LocalStack, on: On) -> None:
    eni_id = assign_by_hand(stack)
    edit_by_hand(stack)
    attachment = stack.model.enis[eni_id].attachment
    assert attachment is not None
    instance_id = attachment.instance_id
    ran = on(stack)("plan", "--instance", instance_id, "-o", "json")
    assert ran.code == 2
    assert [instance["instance"] for instance in ran.document["instances"]] == [instance_id]
    other = next(i for i in stack.model.instances if i != instance_id and i not in edit_owner(stack))
    assert on(stack)("plan", "--instance", other).code == 0


def edit_owner(stack: LocalStack) -> set[str]:
    pools = [pool for pool in stack.cluster.objects("spiderippools") if pool["spec"]["ipVersion"] == 4]
    last = max(pools, key=lambda pool: pool["metadata"]["name"])
    return {last["metadata"]["labels"]["spiderpool-aws/instance"]}


def test_a_plan_that_takes_too_much_away_is_shown_and_refused_until_a_flag_allows_it(stack: LocalStack, on: On) -> None:
    stack.put_policy(POLICY.replace("{addresses: 7}", "{addresses: 3}"))
    ran = on(stack)("plan")
    assert ran.code == 1
    assert "why: " in ran.out
    assert ran.err.startswith("spiderpool-aws: refused: the pass would remove 48 of 276 addresses. ")
    assert "--allow-removals" in ran.err
    assert on(stack)("plan", "--allow-removals").code == 2


def test_what_is_wrong_with_the_options_is_one_line_and_exit_code_1(stack: LocalStack, on: On) -> None:
    for arguments, words in (
        (("--instance", "web-1"), "'web-1' is not an instance id (i-0123456789abcdef0)"),
        (("--instance", "i-0123456789abcdef0"), "EC2 does not know i-0123456789abcdef0, and no pool carries it"),
        (("--instance", "i-0123456789abcdef0", "--all"), "give --instance or --all"),
        (("--cluster", "prod"), "--demo has a cluster and a policy of its own: leave out --cluster"),
        (("--output", "yaml"), "'yaml' is not one of 'table', 'json'"),
        (("--nothing",), "No such option: --nothing"),
    ):
        ran = on(stack)("plan", *arguments)
        assert ran.code == 1
        assert words in ran.err
        assert len(ran.err.splitlines()) == 1
        assert ran.out == ""


def test_without_a_cluster_the_person_is_told_what_to_give() -> None:
    ran = run("plan")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "spiderpool-aws: which cluster? Give --cluster NAME (or --policy FILE), or try --demo\n"


def test_the_plan_of_a_terminated_instance_names_its_node_its_pools_and_its_pods(stack: LocalStack, on: On) -> None:
    instance = next(iter(stack.model.instances.values()))
    stack.model.call("TerminateInstances", {"InstanceIds": [instance.id]})
    stack.clock.advance(25)
    (planned,) = [i for i in on(stack)("plan", "-o", "json").document["instances"] if i["instance"] == instance.id]
    assert planned["state"] == "terminated"
    assert {change["kind"] for change in planned["changes"]} == {"remove"}
    kinds = [change["what"].split()[0] for change in planned["changes"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {"Node": 1, "pool": 4, "pod": 4}
