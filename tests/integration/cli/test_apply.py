"""`spiderpool-aws apply`: what was shown is done, after a question, and not beside a worker that does the same."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from spiderpool_aws.cli import apply
from spiderpool_aws.cli.demo_world import DemoDeployment, assign_by_hand, edit_by_hand
from spiderpool_aws.local.demo import POLICY
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.local.stack import POLICY_PARAMETER, LocalStack
from tests.integration.cli.conftest import Run

On = Callable[[LocalStack], Run]


def spoiled(stack: LocalStack) -> tuple[str, str]:
    """Assign two addresses too many by hand; return the NIC and its instance."""
    eni_id = assign_by_hand(stack)
    attachment = stack.model.enis[eni_id].attachment
    assert attachment is not None
    return eni_id, attachment.instance_id


def writes(stack: LocalStack) -> list[str]:
    cluster = [f"{verb} {resource}" for verb, resource, _ in stack.cluster.requests if verb not in ("get", "list")]
    return [call.operation for call in stack.model.calls if not call.operation.startswith("Describe")] + cluster


def forget_calls(stack: LocalStack) -> None:
    stack.model.calls.clear()
    stack.cluster.requests.clear()


def test_what_was_shown_is_done_and_then_nothing_is_left(stack: LocalStack, on: On) -> None:
    eni_id, instance_id = spoiled(stack)
    pool, _ = edit_by_hand(stack)
    forget_calls(stack)
    ran = on(stack)("apply", "--instance", instance_id, "--yes")
    assert ran.code == 0
    assert f"- addresses of {eni_id}" in ran.out
    assert f"{instance_id}: done: converged" in ran.out
    assert writes(stack) == ["UnassignPrivateIpAddresses"]
    assert on(stack)("plan", "--instance", instance_id).code == 0
    assert pool in on(stack)("plan").out


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_nothing_is_done_unless_the_person_says_yes(stack: LocalStack, on: On, answer: str) -> None:
    _, instance_id = spoiled(stack)
    forget_calls(stack)
    ran = on(stack)("apply", "--instance", instance_id, given=answer)
    assert ran.code == 1
    assert "Do this?" in ran.err
    assert writes(stack) == []


def test_a_yes_does_it(stack: LocalStack, on: On) -> None:
    _, instance_id = spoiled(stack)
    forget_calls(stack)
    assert on(stack)("apply", "--instance", instance_id, given="y\n").code == 0
    assert writes(stack) == ["UnassignPrivateIpAddresses"]


def test_a_yes_is_to_what_was_shown_and_to_nothing_that_came_since(
    stack: LocalStack, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    eni_id, instance_id = spoiled(stack)
    forget_calls(stack)

    def confirm(*_: object, **__: object) -> bool:
        last = max(stack.model.enis[eni_id].secondary_ips)
        stack.model.call("UnassignPrivateIpAddresses", {"NetworkInterfaceId": eni_id, "PrivateIpAddresses": [last]})
        return True

    monkeypatch.setattr("typer.confirm", confirm)
    ran = on(stack)("apply", "--instance", instance_id)
    assert ran.code == 1
    assert "has changed since the plan was shown" in ran.err
    assert writes(stack) == ["UnassignPrivateIpAddresses"], "the one by hand"


def test_with_nothing_to_do_nobody_is_asked(stack: LocalStack, on: On) -> None:
    instance_id = next(iter(stack.model.instances))
    ran = on(stack)("apply", "--instance", instance_id, given="")
    assert ran.code == 0
    assert "Do this?" not in ran.err


def test_what_has_to_wait_is_said_and_is_exit_code_2(stack: LocalStack, on: On) -> None:
    eni = next(eni for eni in stack.model.enis.values() if eni.attachment is not None)
    assert eni.attachment is not None
    params = {"NetworkInterfaceId": eni.id, "PrivateIpAddresses": [max(eni.secondary_ips)]}
    stack.model.call("UnassignPrivateIpAddresses", params)
    ran = on(stack)("apply", "--instance", eni.attachment.instance_id, "--yes", "-o", "json")
    assert ran.code == 2
    (told,) = ran.document["instances"]
    assert (told["status"], told["writes"]) == ("waiting", 1)
    assert "EC2 does not show all its addresses" in told["reason"]


def test_beside_a_worker_that_does_the_same_it_is_refused_and_told_what_to_run(
    stack: LocalStack, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, instance_id = spoiled(stack)
    forget_calls(stack)
    monkeypatch.setattr(DemoDeployment, "worker_runs", lambda _self: True)
    ran = on(stack)("apply", "--instance", instance_id, "--yes")
    assert (ran.code, ran.out) == (1, "")
    assert f"run `spiderpool-aws resync --cluster demo --instance {instance_id}`" in ran.err
    assert writes(stack) == []


def test_where_the_deployed_functions_only_observe_a_person_may_apply_once_the_last_worker_is_done(
    stack: LocalStack, on: On, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, instance_id = spoiled(stack)
    stack.put_policy(POLICY + "mode: observe\n")
    forget_calls(stack)
    changed = stack.clock.now()
    monkeypatch.setattr(DemoDeployment, "worker_runs", lambda _self: True)
    monkeypatch.setattr(DemoDeployment, "policy_changed_at", lambda _self: changed)
    ran = on(stack)("apply", "--instance", instance_id, "--yes")
    assert ran.code == 1
    assert f"repeat this in {int(apply.LAST_PASS.total_seconds()) + 1} s" in ran.err
    assert writes(stack) == []
    stack.clock.advance(apply.LAST_PASS.total_seconds())
    assert on(stack)("apply", "--instance", instance_id, "--yes").code == 0
    assert writes(stack) == ["UnassignPrivateIpAddresses"]
    assert stack.clock.now() - changed < timedelta(minutes=2)


def test_a_plan_that_takes_too_much_away_is_applied_only_when_a_flag_allows_it(stack: LocalStack, on: On) -> None:
    put_quietly(stack, POLICY.replace("{addresses: 7}", "{addresses: 3}"))
    named = [word for instance_id in stack.model.instances for word in ("--instance", instance_id)]
    forget_calls(stack)
    ran = on(stack)("apply", *named, "--yes")
    assert ran.code == 1
    assert "refused: the pass would remove 48 of 276 addresses" in ran.err
    assert writes(stack) == []
    ran = on(stack)("apply", *named, "--yes", "--allow-removals")
    assert (ran.code, "removals are held" in ran.out) == (0, False)
    assert {"patch spiderippools", "UnassignPrivateIpAddresses"} <= set(writes(stack))


def test_the_flag_does_not_replace_the_clusters_own_fuse(stack: LocalStack, on: On) -> None:
    stack.put_policy(POLICY.replace("{addresses: 7}", "{addresses: 3}"))
    stack.bus.invoke_resync({})
    stack.bus.advance(1)
    assert stack.fuse()["state"] == "tripped"
    named = [word for instance_id in stack.model.instances for word in ("--instance", instance_id)]
    forget_calls(stack)
    ran = on(stack)("apply", *named, "--yes", "--allow-removals")
    assert "! removals are held: the pass would remove 48 of 276 addresses" in ran.out
    assert {one for one in writes(stack) if one != "create events"} == set()


def put_quietly(stack: LocalStack, policy: str) -> None:
    """Write the policy's parameter so that no function is told."""
    ssm = isolated_session(stack.model.region).client("ssm")
    ssm.put_parameter(Name=POLICY_PARAMETER, Value=policy, Type="String", Overwrite=True)


def test_nobody_is_asked_to_agree_to_what_json_does_not_show(stack: LocalStack, on: On) -> None:
    ran = on(stack)("apply", "--instance", next(iter(stack.model.instances)), "-o", "json")
    assert (ran.code, ran.out) == (1, "")
    assert "give --yes" in ran.err
