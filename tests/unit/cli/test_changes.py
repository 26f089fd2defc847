"""Every action of a plan reads as one change of one thing."""

from dataclasses import replace
from typing import get_args

import pytest

from spiderpool_aws.cli.changes import Change, Kind, change_of
from spiderpool_aws.domain.actions.nics import (
    Amount,
    Assign,
    AttachNic,
    CreateNic,
    DeleteNic,
    KeepWithInstance,
    MarkPrimaryIpv6,
    NoteOrphan,
    Reassign,
    Unassign,
)
from spiderpool_aws.domain.actions.nodes import DeleteNode, DeletePod, NoteGone, PrepareNode, TaintNode
from spiderpool_aws.domain.actions.plan import Action
from spiderpool_aws.domain.actions.pools import (
    ApplyMultusConfig,
    ApplyPool,
    DeletePool,
    LiftQuarantine,
    PoolChange,
    Quarantine,
)
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.multus import MultusConfig
from spiderpool_aws.domain.cluster.node import PodRef
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity, PoolSpec
from spiderpool_aws.domain.cluster.reservation import reservation_for
from spiderpool_aws.domain.lifecycle import CompleteHook, HookResult, ProlongHook, Transition
from tests.unit import build

V4 = IPFamily.IPV4
ONE = AddressSet.of(V4, ["10.0.0.9"])
POOL = Pool(
    "node-ens5-v4",
    PoolIdentity("c", "i-1", "eni-1", "eni-attach-1", V4),
    PoolSpec("10.0.0.0/24", AddressSet.parse(V4, ["10.0.0.10-10.0.0.12"]), None, ("node",), ("a/b",), default=True),
    allocated=EMPTY[V4],
    excluded=EMPTY[V4],
)
GROWN = replace(POOL, spec=replace(POOL.spec, ips=POOL.spec.ips | ONE))
HOOK = "life-cycle action of group g"
POD = PodRef("default", "web", "uid", build.NOW)
CASES: list[tuple[Action, Kind, str]] = [
    (ApplyPool(PoolChange.CREATE, GROWN, "w"), Kind.ADD, f"pool {POOL.name}"),
    (DeletePool(POOL, "w"), Kind.REMOVE, f"pool {POOL.name}"),
    (Quarantine(POOL, ONE, "w"), Kind.ADD, f"SpiderReservedIP {POOL.name}"),
    (LiftQuarantine(reservation_for(POOL, ONE)), Kind.REMOVE, f"SpiderReservedIP {POOL.name}"),
    (ApplyMultusConfig(MultusConfig("a", "b", "ens5"), "c"), Kind.ADD, "SpiderMultusConfig a/b"),
    (ApplyMultusConfig(MultusConfig("a", "b", "ens5", uid="u"), "c"), Kind.CHANGE, "SpiderMultusConfig a/b"),
    (PrepareNode("n", "u", "aws:///a/i", "t"), Kind.CHANGE, "Node n"),
    (TaintNode("n", "u", "t", "i"), Kind.CHANGE, "Node n"),
    (DeleteNode("n", "u", "w"), Kind.REMOVE, "Node n"),
    (NoteGone("n", "u", "i", "h"), Kind.CHANGE, "Node n"),
    (DeletePod(POD, "w"), Kind.REMOVE, "pod default/web"),
    (Assign("eni-1", V4, 3), Kind.ADD, "3 IPv4 addresses for eni-1"),
    (Reassign("eni-1", ONE, "w"), Kind.ADD, "addresses of eni-1"),
    (Unassign("eni-1", ONE, "w"), Kind.REMOVE, "addresses of eni-1"),
    (CreateNic("i-1", 1, "subnet-1", (), {V4: Amount(3)}), Kind.ADD, "NIC 1 of i-1"),
    (AttachNic("i-1", 1, "eni-1"), Kind.CHANGE, "eni-1 at device index 1"),
    (KeepWithInstance("eni-1", "a"), Kind.CHANGE, "eni-1"),
    (MarkPrimaryIpv6("eni-1"), Kind.CHANGE, "eni-1"),
    (NoteOrphan("eni-1", "s"), Kind.CHANGE, "eni-1"),
    (DeleteNic("eni-1", "w"), Kind.REMOVE, "eni-1"),
    (CompleteHook("g", "i", Transition.LAUNCHING, HookResult.CONTINUE, "w"), Kind.CHANGE, HOOK),
    (ProlongHook("g", "i", Transition.LAUNCHING), Kind.CHANGE, HOOK),
]  # fmt: skip


@pytest.mark.parametrize(("action", "kind", "what"), CASES, ids=lambda value: type(value).__name__)
def test_an_action_is_a_change_of_a_thing(action: Action, kind: Kind, what: str) -> None:
    change = change_of(action, [])
    assert (change.kind, change.what) == (kind, what)
    assert change.why


def test_no_action_is_left_out() -> None:
    actions = {kind for union in get_args(Action) for kind in (get_args(union) or [union])}
    assert {type(action) for action, _, _ in CASES} == actions


def test_a_written_pool_shows_what_comes_what_goes_and_which_fields_change() -> None:
    after = replace(POOL, spec=replace(POOL.spec, ips=(POOL.spec.ips - AddressSet.of(V4, ["10.0.0.12"])) | ONE))
    after = replace(after, spec=replace(after.spec, gateway="10.0.0.1", default=not POOL.spec.default))
    before = replace(POOL, spec=replace(POOL.spec, gateway="10.0.0.99"))
    change = change_of(ApplyPool(PoolChange.UPDATE, after, "w"), [before])
    assert change.added == ("10.0.0.9",)
    assert change.removed == ("10.0.0.12",)
    assert change.updated[0] == "gateway: 10.0.0.99 -> 10.0.0.1"
    assert change.updated[1].startswith("default: ")
    assert len(change.updated) == 2


def test_a_note_in_a_pool_is_told_as_no_more_than_that() -> None:
    change = change_of(ApplyPool(PoolChange.REMEMBER, POOL, "not seen"), [POOL])
    assert change == Change(Kind.CHANGE, f"pool {POOL.name}", change.why)
    assert change.why.startswith("not seen; only noted: ")
