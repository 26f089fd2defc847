"""Version N reads what version N-1 wrote (docs/operations.md, "Upgrading").

`previous.json` holds what the code of the release before wrote: it was recorded by running that code, not written by
hand. A release that changes a form records it anew, and what it cannot read any more fails here.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spiderpool_aws.adapters.dead_letters import read_letter
from spiderpool_aws.adapters.ec2_parse import parse_spare
from spiderpool_aws.cli.explain import remembered
from spiderpool_aws.domain.actions.pools import ApplyPool
from spiderpool_aws.domain.cluster.multus import SpiderMultusConfig
from spiderpool_aws.domain.cluster.pool import STATE_ANNOTATION, Pool, PoolIdentity, SpiderIPPool, pool_manifest
from spiderpool_aws.domain.cluster.reservation import SpiderReservedIP
from spiderpool_aws.domain.fuse import Fuse, FuseState, parse_fuse
from spiderpool_aws.domain.instance import ORPHAN_TAG, InstanceState
from spiderpool_aws.domain.memory import INTERRUPTION, Absence, PoolMemory, Surplus
from spiderpool_aws.domain.moments import read_moment
from spiderpool_aws.domain.request import Hint, ReconcileRequest
from spiderpool_aws.domain.rules.planner import plan_node
from spiderpool_aws.domain.verdict import judge
from spiderpool_aws.messages import decode, encode
from tests.unit.build import NOW, V4, V6, v4
from tests.unit.domain.grouped import converge
from tests.unit.domain.planning import ONE_NIC, full_node
from tests.unit.domain.test_verdict import found, pools

PREVIOUS: dict[str, Any] = json.loads((Path(__file__).parent / "previous.json").read_text(encoding="utf-8"))
THEN = datetime(2026, 11, 25, 17, 5, 36, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOST = ((THEN, v4("10.0.0.20-10.0.0.22")),)
NODE_UID = "0b8e4c1e-7d5b-4a39-9d0c-2f4f3a6f9c11"
INSTANCE, ENI = "i-0123456789abcdef0", "eni-0a1b2c3d4e5f60718"
MEMORIES = {
    "missing": PoolMemory(missing=LOST),
    "released": PoolMemory(released=LOST),
    "surplus": PoolMemory(surplus=Surplus(THEN, "min 2, warm 4, max 14")),
    "absent": PoolMemory(absent=Absence(THEN - 11 * MINUTE, THEN - MINUTE)),
    "disabled": PoolMemory(disabled=True, node_uid=NODE_UID),
    "leaving": PoolMemory(leaving=THEN, disabled=True),
    "interrupted": PoolMemory(undated=True, disabled=True, node_uid=NODE_UID),
}


@pytest.mark.parametrize("what", PREVIOUS["annotations"])
def test_each_annotation_of_a_pool_says_what_it_said(what: str) -> None:
    text = PREVIOUS["annotations"][what]
    memory = PoolMemory.parse(text, V4)
    assert memory == MEMORIES[what]
    assert memory.to_text() == text, "a write for another reason leaves it as it was"


def test_a_spot_warning_without_a_moment_is_told_without_one() -> None:
    told = list(remembered(PoolMemory.parse(PREVIOUS["annotations"]["interrupted"], V4)))
    assert "EC2 has announced that it takes the Spot instance back" in told


def warned() -> Pool:
    """Return the pool of a live node, with the annotation of a Spot warning that has no moment."""
    _, pool = full_node()
    memory = PoolMemory.parse(PREVIOUS["annotations"]["interrupted"], V4)
    return replace(pool, memory=replace(memory, node_uid=pool.memory.node_uid), spec=replace(pool.spec, disable=True))


def test_a_spot_warning_without_a_moment_holds_and_is_dated_by_the_first_look() -> None:
    model = replace(full_node()[0], pools=(warned(),))
    [action] = plan_node(model, ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    assert (action.pool.spec.disable, action.pool.memory.interrupted, action.pool.memory.undated) == (True, NOW, False)
    dated = replace(model, pools=(action.pool,), now=NOW + INTERRUPTION - MINUTE)
    assert plan_node(dated, ONE_NIC).converged
    enabled, _ = converge(replace(dated, now=NOW + INTERRUPTION), ONE_NIC)
    assert (enabled.pools[0].spec.disable, enabled.pools[0].memory.interrupted) == (False, None)


def test_a_spot_warning_without_a_moment_is_over_when_the_instance_is_stopped() -> None:
    model = replace(full_node()[0], pools=(warned(),))
    assert model.instance is not None
    stopped = replace(model.instance, state=InstanceState.STOPPED)
    [action] = plan_node(replace(model, instance=stopped), ONE_NIC).actions
    assert isinstance(action, ApplyPool)
    memory = action.pool.memory
    assert (action.pool.spec.disable, memory.undated, memory.interrupted) == (True, False, None)


@pytest.mark.parametrize("manifest", PREVIOUS["pools"], ids=lambda manifest: manifest["spec"]["ipVersion"])
def test_a_pool_is_known_by_its_labels_and_written_back_as_it_was(manifest: dict[str, Any]) -> None:
    pool = SpiderIPPool.model_validate(manifest).to_pool()
    family = {4: V4, 6: V6}[manifest["spec"]["ipVersion"]]
    assert pool.identity == PoolIdentity("prod", INSTANCE, ENI, "eni-attach-0c1d2e3f405162738", family)
    assert (pool.problems, pool.memory.disabled) == ((), True)
    assert pool_manifest(pool) == manifest
    assert pool_manifest(pool)["metadata"]["annotations"].keys() == {STATE_ANNOTATION}


def test_what_a_pool_keeps_back_and_its_network_are_known_as_ours() -> None:
    kept = SpiderReservedIP.model_validate(PREVIOUS["reservation"]).to_reservation()
    pool = SpiderIPPool.model_validate(PREVIOUS["pools"][0]).to_pool()
    assert kept is not None
    assert (kept.is_of(pool), kept.identity, kept.addresses) == (True, pool.identity, v4("10.0.0.21"))
    network = SpiderMultusConfig.model_validate(PREVIOUS["network"]).to_config()
    assert (network.key, network.master, network.ours) == ("kube-system/ipvlan-ens5", "ens5", True)


def test_a_nic_that_was_created_is_known_by_its_tags() -> None:
    nic = parse_spare(PREVIOUS["spare"], "prod")
    assert nic is not None
    assert (nic.is_ours, nic.device_index, read_moment(nic.tags[ORPHAN_TAG])) == (True, 1, THEN)


def test_messages_that_wait_in_the_queue_are_worked_on() -> None:
    requests = [decode(text) for text in PREVIOUS["messages"]]
    assert requests == [
        ReconcileRequest(INSTANCE, "e1b2", "EC2 Instance State-change Notification"),
        ReconcileRequest(ENI, "e2", "DetachNetworkInterface"),
        ReconcileRequest("eni-attach-0c1d2e3f405162738", "e3", "DetachNetworkInterface"),
        ReconcileRequest(INSTANCE, "e4", "resync", frozenset({Hint.SPARES, Hint.INTERRUPTED, Hint.NODES, Hint.FLIP})),
    ]
    assert [encode(request) for request in requests] == PREVIOUS["messages"]


def test_a_dead_letter_has_its_reason_and_can_be_sent_back() -> None:
    letter = read_letter(PREVIOUS["deadLetter"])
    assert (letter.subject, letter.unreadable) == (INSTANCE, "")
    assert letter.reason == "20 minutes in vain: the API server does not answer"


def fuse(what: str) -> Fuse:
    return parse_fuse(PREVIOUS["fuses"][what], "the fuse")


def test_a_fuse_holds_what_it_held() -> None:
    read = {what: (fuse(what).state, bool(fuse(what).held), fuse(what).doubtful) for what in PREVIOUS["fuses"]}
    assert read == {
        "whole": (FuseState.WHOLE, False, False),
        "tripped": (FuseState.TRIPPED, True, False),
        "doubtful": (FuseState.TRIPPED, True, True),
        "confirmed": (FuseState.CONFIRMED, False, False),
    }
    assert fuse("tripped").digest in fuse("tripped").held


@pytest.mark.parametrize("what", ["whole", "confirmed"])
def test_a_fuse_without_a_policy_lets_nothing_go_before_the_next_resync_has_judged(what: str) -> None:
    """Whatever was confirmed under the older version: its digest meant single addresses, and is asked for again."""
    assert fuse(what).policy == ""
    assert judge(fuse(what), found()).fuse == Fuse(policy="p")
    again = judge(fuse(what), found(pools(20))).fuse
    assert (again.state, again.policy) == (FuseState.TRIPPED, "")


def test_a_fuse_that_was_tripped_stays_so_until_the_digest_of_a_new_dry_run_is_confirmed() -> None:
    tripped = fuse("tripped")
    verdict = judge(tripped, found(pools(20)))
    assert (verdict.fuse.state, verdict.digest != tripped.digest) == (FuseState.TRIPPED, True)
    assert judge(tripped, found(pools(20)), tripped.digest).fuse.state is FuseState.TRIPPED
    assert judge(tripped, found(pools(20)), verdict.digest).fuse.state is FuseState.CONFIRMED
