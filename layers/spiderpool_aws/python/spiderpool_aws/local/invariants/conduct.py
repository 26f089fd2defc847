"""Invariants 8, 10 and 11: whether the system may write at all, and whether what it says of a node is true.

The policy's mode and the fuse hold the workers back; the startup taint and the life-cycle hooks are promises to others:
that the node's pods get addresses, and that no pod has one of an instance any more.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.local.cluster import ClusterWrite
from spiderpool_aws.local.ec2 import Ec2Call
from spiderpool_aws.local.ec2.autoscaling import CompletedAction, Result, Transition
from spiderpool_aws.local.ec2.state import Instance
from spiderpool_aws.local.invariants.truth import Truth, read_pool

TAKES_AWAY = {"UnassignPrivateIpAddresses", "UnassignIpv6Addresses", "DeleteNetworkInterface"}
WARNING = "EC2 Spot Instance Interruption Warning"


class ConductRules:
    """Judges each write before it is asked what it writes. `held` says why nothing may be removed; empty: it may."""

    def __init__(self, truth: Truth, held: Callable[[], str]) -> None:
        self._truth = truth
        self._broken = truth.report
        self._held = held
        self._warned: set[str] = set()
        truth.model.subscribe(self._on_event)

    def judge_cluster(self, write: ClusterWrite) -> None:
        """Report a write to the cluster that should have waited."""
        self._judge_mode(f"{write.verb} {write.resource} {write.name}")
        if write.resource == "spiderippools" and not write.subresource:
            self._judge_held_pool(read_pool(write.before), write)
        elif write.resource == "nodes" and write.verb == "patch" and write.before and write.after:
            self._judge_taint(write.before, write.after)

    def judge_ec2(self, call: Ec2Call) -> None:
        """Report a call of EC2 that should have waited."""
        nic = str(call.params.get("NetworkInterfaceId", ""))
        self._judge_mode(f"{call.operation} {nic}")
        if call.operation in TAKES_AWAY and call.took_effect:
            eni = self._truth.model.enis.get(nic)
            owner = eni.attachment.instance_id if eni is not None and eni.attachment else ""
            if owner and not self._truth.is_gone(owner) and (why := self._held()):
                self._broken(10, f"{call.operation} on {nic}, although {why}")

    def judge_completed(self, done: CompletedAction) -> None:
        """Report a life-cycle action that was completed too early: before it, nobody has gone on."""
        self._judge_mode(f"CompleteLifecycleAction of {done.instance_id}")
        instance = self._truth.model.instances.get(done.instance_id)
        if instance is None or not self._truth.is_cared_for(instance) or done.result is not Result.CONTINUE:
            return
        if done.transition is Transition.TERMINATING:
            self._judge_drained(done)
        elif not done.warm and instance.id not in self._warned and (lacking := list(self._lacking(instance))):
            self._broken(8, f"{instance.id} was let into service without {', '.join(lacking)}")

    def _judge_mode(self, what: str) -> None:
        if (mode := self._truth.policy().mode) != "apply":
            self._broken(11, f"{what} was written, and the policy's mode is {mode}")

    def _judge_held_pool(self, before: Pool | None, write: ClusterWrite) -> None:
        identity = before.identity if before is not None else None
        if before is None or identity is None or self._truth.is_gone(identity.instance_id):
            return
        after = read_pool(write.after)
        gone = before.spec.ips - after.spec.ips if after is not None else before.spec.ips
        going = write.verb == "delete" and not before.terminating
        if (going or (write.verb != "delete" and gone)) and (why := self._held()):
            self._broken(10, f"pool {before.name} lost {gone} by our {write.verb}, although {why}")

    def _judge_taint(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        taint = self._truth.policy().nodes.startup_taint
        had, has = ([t["key"] for t in node.get("spec", {}).get("taints", ())] for node in (before, after))
        if taint not in had or taint in has:
            return
        for instance in self._truth.model.instances.values():
            if self._truth.proves(after, instance) and (lacking := list(self._lacking(instance))):
                name = before["metadata"]["name"]
                self._broken(8, f"Node {name} of {instance.id} lost its startup taint without {', '.join(lacking)}")

    def _judge_drained(self, done: CompletedAction) -> None:
        """A termination waits until no pod has an address of the instance, or the policy's patience is over."""
        patience = timedelta(seconds=self._truth.policy().nodes.drain_seconds)
        used = [pool for pool in self._pools_of(done.instance_id) if pool.allocated]
        if used and self._truth.model.clock.now() - done.started < patience:
            self._broken(8, f"{done.instance_id} was let die while pods use {used[0].allocated} of pool {used[0].name}")

    def _lacking(self, instance: Instance) -> Iterable[str]:
        """Name what the policy asks for and no pool of the instance gives: both families, neither empty."""
        given = {
            (network, pool.family)
            for pool in self._pools_of(instance.id)
            if not pool.terminating and pool.offered
            for network in pool.spec.multus_name
        }
        for interface in self._truth.interfaces_of(instance):
            for family in (f for f in IPFamily if f in interface.families):
                if (interface.multus, family) not in given:
                    yield f"{family} on {interface.multus}"

    def _pools_of(self, instance_id: str) -> list[Pool]:
        return [pool for pool in self._truth.pools() if pool.identity and pool.identity.instance_id == instance_id]

    def _on_event(self, event: Mapping[str, Any]) -> None:
        if event["detail-type"] == WARNING:
            self._warned.add(event["detail"]["instance-id"])
