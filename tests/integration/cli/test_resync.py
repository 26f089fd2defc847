"""`spiderpool-aws resync`: the deployed function is invoked, and what it answers is told."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from spiderpool_aws.adapters.deployed import QueueDepth
from spiderpool_aws.cli import resync
from spiderpool_aws.cli.demo_world import assign_by_hand, edit_by_hand
from spiderpool_aws.local.demo import POLICY
from spiderpool_aws.local.stack import LocalStack
from tests.integration.cli.conftest import Run

On = Callable[[LocalStack], Run]


def test_what_differs_is_enqueued_and_worked_on(stack: LocalStack, on: On) -> None:
    assign_by_hand(stack)
    edit_by_hand(stack)
    ran = on(stack)("resync")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "6 instances: 4 have converged, 2 differ, 0 wait, 0 are absent.",
        "2 instances were enqueued.",
    ]
    ran = on(stack)("resync", "--wait", "-o", "json")
    assert (ran.code, ran.document["left"]) == (0, 0)
    assert on(stack)("plan").code == 0


def test_a_dry_run_shows_the_plans_and_changes_nothing(stack: LocalStack, on: On) -> None:
    eni_id = assign_by_hand(stack)
    ran = on(stack)("resync", "--dry-run")
    assert ran.code == 2
    assert f"of {eni_id}: the NIC holds more than the policy asks for" in ran.out
    assert stack.requests.messages == []
    stack.bus.advance(120)
    stack.bus.settle()
    assert on(stack)("resync", "--dry-run").code == 0


def test_named_instances_are_enqueued_without_being_planned(stack: LocalStack, on: On) -> None:
    first, second, *_ = stack.model.instances
    ran = on(stack)("resync", "--instance", first, "--instance", second, "--instance", first)
    assert (ran.code, ran.out) == (0, "2 instances were enqueued.\n")
    assert [message.group for message in stack.requests.messages] == [first, second]


def test_removals_that_tripped_the_fuse_are_confirmed_by_their_digest(stack: LocalStack, on: On) -> None:
    stack.put_policy(POLICY.replace("{addresses: 7}", "{addresses: 3}"))
    stack.bus.advance(1)
    assert stack.fuse()["state"] == "tripped"
    ran = on(stack)("resync", "--dry-run")
    digest = stack.fuse()["digest"]
    assert f"Removals: 0 pools, 48 addresses, 0 nodes; their digest is {digest}." in ran.out.splitlines()
    assert "The fuse is tripped: the pass would remove 48 of 276 addresses" in ran.out
    ran = on(stack)("resync", "--confirm", digest)
    assert ran.code == 0
    assert "The fuse is confirmed" in ran.out
    assert stack.fuse()["state"] == "confirmed"


def test_a_digest_of_other_removals_confirms_nothing_and_fails(stack: LocalStack, on: On) -> None:
    stack.put_policy(POLICY.replace("{addresses: 7}", "{addresses: 3}"))
    stack.bus.advance(1)
    ran = on(stack)("resync", "--confirm", "0123456789abcdef")
    assert ran.code == 1
    assert f"which is '{stack.fuse()['digest']}'" in ran.out
    assert "nothing was confirmed" in ran.err
    assert stack.fuse()["state"] == "tripped"


def test_after_the_policy_was_put_back_a_dry_run_has_the_digest_that_mends_the_fuse(stack: LocalStack, on: On) -> None:
    stack.put_policy(POLICY.replace("{addresses: 7}", "{addresses: 3}"))
    stack.bus.advance(1)
    stack.put_policy(POLICY)
    stack.bus.advance(1)
    assert stack.fuse()["state"] == "tripped"
    (line,) = (line for line in on(stack)("resync", "--dry-run").out.splitlines() if line.startswith("Removals: "))
    digest = line.rstrip(".").rpartition(" ")[2]
    assert line == f"Removals: 0 pools, 0 addresses, 0 nodes; their digest is {digest}."
    assert on(stack)("resync", "--confirm", digest).code == 0
    assert stack.fuse()["state"] == "whole"


def test_a_confirmation_where_nothing_is_held_says_so(stack: LocalStack, on: On) -> None:
    ran = on(stack)("resync", "--confirm", "0123456789abcdef")
    assert ran.code == 0
    assert "The fuse is whole: nothing is held." in ran.out.splitlines()


def test_a_resync_that_did_nothing_says_why(stack: LocalStack, on: On) -> None:
    stack.put_policy(POLICY + "mode: paused\n")
    ran = on(stack)("resync")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "spiderpool-aws: the resync did nothing: paused by the policy\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--confirm", "0123456789abcdef", "--dry-run"), "leave --dry-run and --instance out"),
        (("--confirm", "yes"), "--confirm 'yes' is no digest"),
        (("--dry-run", "--wait"), "give --dry-run or --wait"),
        (("--instance", "web"), "'web' is not an instance id"),
    ],
)
def test_bad_input_is_told_before_anything_is_asked(
    arguments: tuple[str, ...], words: str, stack: LocalStack, on: On
) -> None:
    ran = on(stack)("resync", *arguments)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (1, "", 1)
    assert words in ran.err


class Pages:
    """A deployment whose dry run has three pages, and whose queue is emptied by and by."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.depths = [3, 2, 0]

    def resync(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        self.payloads.append(dict(payload))
        number = len(self.payloads)
        return {"done": True, "instances": 3, "plans": [number], "nextToken": str(number) if number < 3 else None}

    def queues(self) -> list[QueueDepth]:
        return [QueueDepth("dead-requests", 9, dead=True), QueueDepth("requests", self.depths.pop(0))]

    def pause(self, seconds: float) -> None:
        self.payloads.append({"paused": seconds})

    def worker_runs(self) -> bool:
        return True

    def policy_changed_at(self) -> None:
        return None


def test_a_dry_run_of_many_nodes_is_read_page_by_page() -> None:
    pages, seen = Pages(), list[tuple[int, int]]()
    answer = resync.dry_run_pages(pages, {"dryRun": True}, lambda done, total: seen.append((done, total)))
    assert [payload.get("pageToken") for payload in pages.payloads] == [None, "1", "2"]
    assert (answer["plans"], "nextToken" in answer) == ([1, 2, 3], False)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_waiting_ends_with_the_last_request_of_the_queue() -> None:
    pages, seen = Pages(), list[tuple[int, int]]()
    assert resync.wait_for_queue(pages, 3, lambda done, total: seen.append((done, total))) == 0
    assert seen == [(0, 3), (1, 3), (3, 3)]
    assert len(pages.payloads) == 2


def test_waiting_ends_when_the_functions_would_give_up(stack: LocalStack) -> None:
    pages = Pages()
    pages.depths = [1] * 1000
    assert resync.wait_for_queue(pages, 1, lambda _done, _total: None) == 1
    assert sum(payload["paused"] for payload in pages.payloads) == 1200
