"""Apply: one action at a time, and the model as it is afterwards."""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.node import Node
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.plan import (
    Action,
    ApplyMultusConfig,
    ApplyPool,
    Assign,
    DeleteNode,
    DeletePod,
    DeletePool,
    PrepareNode,
    Reassign,
    TaintNode,
)
from spiderpool_aws.ports import Assigned, ClusterPort, Ec2Port


class Applier:
    """Does what a plan says. `Refused` and `RetryLater` of the ports are let through: nothing was changed then."""

    def __init__(self, ec2: Ec2Port, cluster: ClusterPort) -> None:
        self._ec2 = ec2
        self._cluster = cluster

    def apply(self, observed: ObservedNode, action: Action) -> ObservedNode:
        """Do one thing and return the changed model."""
        match action:
            case ApplyPool():
                return observed.with_pool(self._cluster.apply_pool(action.pool))
            case DeletePool():
                self._cluster.delete_pool(action.pool)
                return observed.with_pool(replace(action.pool, terminating=True))
            case Assign():
                answer = self._ec2.assign(action.eni_id, action.family, action.count, prefixes=action.prefixes)
                return _with_assigned(observed, action.eni_id, answer)
            case Reassign():
                return self._reassign(observed, action)
            case ApplyMultusConfig():
                return observed.with_multus(self._cluster.apply_multus(action.config, action.cluster))
            case PrepareNode():
                self._cluster.prepare_node(
                    action.node_name, action.node_uid, provider_id=action.provider_id, taint=action.taint
                )
                return _with_node(observed, lambda node: node.prepared(action.provider_id, action.taint))
            case TaintNode():
                self._cluster.taint_node(action.node_name, action.node_uid, action.taint)
                return _with_node(observed, lambda node: node.tainted(action.taint))
            case DeleteNode():
                self._cluster.delete_node(action.node_name, action.node_uid)
                return replace(observed, node=None)
            case DeletePod():
                self._cluster.delete_pod(action.pod)
                return replace(observed, pods=tuple(pod for pod in observed.pods if pod != action.pod))
            case _:
                assert_never(action)

    def _reassign(self, observed: ObservedNode, action: Reassign) -> ObservedNode:
        held = self._ec2.holders(action.addresses, action.vpc_id)
        if held:
            # Asking for it would be refused, or with AllowReassignment take it away from its holder.
            holders = ", ".join(f"{address} is held by {holder}" for address, holder in sorted(held.items()))
            raise Refused(f"{holders}: the pod keeps an address that does not work, delete the pod", Code.ADDRESS_TAKEN)
        return _with_assigned(observed, action.eni_id, self._ec2.reassign(action.eni_id, action.addresses))


def _with_assigned(observed: ObservedNode, eni_id: str, answer: Assigned) -> ObservedNode:
    eni = observed.eni(eni_id)
    return observed.with_eni(eni.with_assigned(answer.addresses, answer.prefixes)) if eni is not None else observed


def _with_node(observed: ObservedNode, change: Callable[[Node], Node]) -> ObservedNode:
    return replace(observed, node=change(observed.node)) if observed.node is not None else observed
