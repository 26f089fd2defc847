"""Apply: one action at a time, and the model as it is afterwards."""

from dataclasses import replace
from typing import assert_never

from spiderpool_aws.domain.actions.nics import (
    Assign,
    AttachNic,
    CreateNic,
    DeleteNic,
    KeepWithInstance,
    MarkPrimaryIpv6,
    NicAction,
    NoteOrphan,
    Reassign,
    Unassign,
)
from spiderpool_aws.domain.actions.nodes import DeleteNode, DeletePod, NodeAction, NoteGone, PrepareNode, TaintNode
from spiderpool_aws.domain.actions.plan import Action
from spiderpool_aws.domain.actions.pools import (
    ApplyMultusConfig,
    ApplyPool,
    DeletePool,
    LiftQuarantine,
    PoolAction,
    Quarantine,
)
from spiderpool_aws.domain.cluster.reservation import reservation_for
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.instance import ORPHAN_TAG, Eni
from spiderpool_aws.domain.lifecycle import CompleteHook, HookAction, ProlongHook
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.ports import Assigned, Systems


class Applier:
    """Does what a plan says. `Refused` and `RetryLater` of the ports are let through: nothing was changed then."""

    def __init__(self, systems: Systems) -> None:
        self._ec2 = systems.ec2
        self._cluster = systems.cluster
        self._scaling = systems.scaling

    def apply(self, observed: ObservedNode, action: Action) -> ObservedNode:
        """Do one thing and return the changed model."""
        match action:
            case ApplyPool() | DeletePool() | Quarantine() | LiftQuarantine() | ApplyMultusConfig():
                return self._apply_to_pools(observed, action)
            case PrepareNode() | TaintNode() | DeleteNode() | NoteGone() | DeletePod():
                return self._apply_to_node(observed, action)
            case CompleteHook() | ProlongHook():
                return self._apply_to_hook(observed, action)
            case _:
                return self._apply_to_nics(observed, action)

    def _apply_to_pools(self, observed: ObservedNode, action: PoolAction) -> ObservedNode:
        match action:
            case ApplyPool():
                return observed.with_pool(self._cluster.apply_pool(action.pool))
            case DeletePool():
                self._cluster.delete_pool(action.pool)
                return observed.with_pool(replace(action.pool, terminating=True))
            case Quarantine():
                known = observed.reservation_of(action.pool)
                wanted = replace(reservation_for(action.pool, action.addresses), uid=known.uid if known else "")
                return observed.with_reservation(self._cluster.apply_reservation(wanted))
            case LiftQuarantine():
                self._cluster.delete_reservation(action.reservation)
                return observed.without_reservation(action.reservation)
            case ApplyMultusConfig():
                return observed.with_multus(self._cluster.apply_multus(action.config, action.cluster))
            case _:
                assert_never(action)

    def _apply_to_node(self, observed: ObservedNode, action: NodeAction) -> ObservedNode:
        match action:
            case PrepareNode():
                self._cluster.prepare_node(
                    action.node_name, action.node_uid, provider_id=action.provider_id, taint=action.taint
                )
                return observed.with_changed_node(
                    action.node_uid, lambda node: node.prepared(action.provider_id, action.taint)
                )
            case TaintNode():
                self._cluster.taint_node(action.node_name, action.node_uid, action.taint)
                return observed.with_changed_node(action.node_uid, lambda node: node.tainted(action.taint))
            case DeleteNode():
                self._cluster.delete_node(action.node_name, action.node_uid)
                return observed.without_node(action.node_uid)
            case NoteGone():
                self._cluster.note_gone(action.node_name, action.node_uid, action.instance_id, action.heir)
                return observed.with_changed_node(
                    action.node_uid, lambda node: node.noted(action.instance_id, action.heir)
                )
            case DeletePod():
                self._cluster.delete_pod(action.pod)
                return replace(observed, pods=tuple(pod for pod in observed.pods if pod != action.pod))
            case _:
                assert_never(action)

    def _apply_to_hook(self, observed: ObservedNode, action: HookAction) -> ObservedNode:
        match action:
            case CompleteHook():
                self._scaling.complete_hook(action.group, action.instance_id, action.transition, action.result)
                stood = observed.lifecycle
                return replace(observed, lifecycle=stood.completed(action.result) if stood is not None else None)
            case ProlongHook():
                self._scaling.prolong_hook(action.group, action.instance_id, action.transition)
                return replace(observed, heartbeat_due=False)
            case _:
                assert_never(action)

    def _apply_to_nics(self, observed: ObservedNode, action: NicAction) -> ObservedNode:
        match action:
            case Assign():
                answer = self._ec2.assign(action.eni_id, action.family, action.count, prefixes=action.prefixes)
                return _with_assigned(observed, action.eni_id, answer)
            case Reassign():
                return self._reassign(observed, action)
            case Unassign():
                self._ec2.unassign(action.eni_id, action.addresses, action.prefixes)
                return observed.with_changed_eni(
                    action.eni_id, lambda eni: eni.without(action.addresses, action.prefixes)
                )
            case CreateNic():
                return observed.with_spare(self._ec2.create_nic(action))
            case AttachNic():
                attachment_id = self._ec2.attach_nic(action.eni_id, action.instance_id, action.device_index)
                return observed.with_attached(action.eni_id, attachment_id, action.device_index)
            case KeepWithInstance():
                self._ec2.keep_with_instance(action.eni_id, action.attachment_id)
                return observed.with_changed_eni(action.eni_id, _kept)
            case MarkPrimaryIpv6():
                self._ec2.mark_primary_ipv6(action.eni_id)
                return observed.with_changed_eni(action.eni_id, Eni.with_primary_ipv6)
            case NoteOrphan():
                self._ec2.tag_nic(action.eni_id, {ORPHAN_TAG: action.since})
                return observed.with_tagged_spare(action.eni_id, {ORPHAN_TAG: action.since})
            case DeleteNic():
                self._ec2.delete_nic(action.eni_id, at_once=action.at_once)
                return replace(observed, spares=tuple(e for e in observed.spares if e.eni_id != action.eni_id))
            case _:
                assert_never(action)

    def _reassign(self, observed: ObservedNode, action: Reassign) -> ObservedNode:
        held = self._ec2.holders(action.addresses, action.vpc_id)
        if held:
            # Asking for it would be refused, or with AllowReassignment take it away from its holder.
            holders = ", ".join(f"{address} is held by {holder}" for address, holder in sorted(held.items()))
            raise Refused(f"{holders}: the pod keeps an address that does not work, delete the pod", Code.ADDRESS_TAKEN)
        if not action.has_room:
            raise Refused(f"{action.why}; nobody holds it, and there is no room to assign it again")
        return _with_assigned(observed, action.eni_id, self._ec2.reassign(action.eni_id, action.addresses))


def _with_assigned(observed: ObservedNode, eni_id: str, answer: Assigned) -> ObservedNode:
    return observed.with_changed_eni(eni_id, lambda eni: eni.with_assigned(answer.addresses, answer.prefixes))


def _kept(eni: Eni) -> Eni:
    return replace(eni, delete_on_termination=True)
