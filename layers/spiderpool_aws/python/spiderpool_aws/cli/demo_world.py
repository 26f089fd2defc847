"""The demo cluster as a world: six nodes with pods, and two changes that somebody made by hand a moment ago.

Everything stands still: what the deployed functions would mend within minutes is there for the command to find.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from spiderpool_aws.adapters.cluster_facts import ClusterFacts
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.adapters.deployed import QUEUES, QueueDepth
from spiderpool_aws.cli.world import Beside, Core, Notes, World
from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.errors import Refused
from spiderpool_aws.local.cluster import connect_in_process
from spiderpool_aws.local.demo import CLUSTER, POLICY, Demo
from spiderpool_aws.local.functions import FunctionError
from spiderpool_aws.local.stack import LocalStack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

CALLER = "reconcile_nodes"
"""As whom the command calls EC2: a role of the product, whose calls wake no function."""


class DemoDeployment:
    """Implements `DeployedPort` with the handlers and queues of the local stack. The worker stands still."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack

    def resync(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the resync."""
        try:
            answer: dict[str, Any] = self._stack.bus.invoke_resync(dict(payload))
        except FunctionError as error:
            raise Refused(f"resync failed: {error}") from error
        return answer

    def worker_runs(self) -> bool:
        """Return False: time stands still in the demo, so no worker is at work."""
        return False

    def policy_changed_at(self) -> datetime | None:
        """Return None: long ago."""
        return None

    def queues(self) -> Sequence[QueueDepth]:
        """Return how full each queue is."""
        stack = self._stack
        counts = (len(queue.messages) for queue in (stack.requests, stack.dead_requests, stack.lost_events))
        return [QueueDepth(what, count, dead=what != "requests") for what, count in zip(QUEUES, counts, strict=True)]

    def pause(self, seconds: float) -> None:
        """Move the demo's clock: the worker takes what is in the queue."""
        self._stack.bus.advance(seconds)


@contextmanager
def demo_stack() -> Iterator[LocalStack]:
    """Give the demo's stack when its nodes are complete, before anything was changed by hand."""
    with LocalStack(policy=POLICY) as stack:
        Demo(stack, lambda _line, _at: None).prepare()
        yield stack


@contextmanager
def demo_world() -> Iterator[World]:
    """Give the demo's world after the two changes."""
    with demo_stack() as stack:
        assign_by_hand(stack)
        edit_by_hand(stack)
        yield world_of(stack)


def world_of(stack: LocalStack) -> World:
    """Return a command's world on a local stack."""
    application = stack.application(CALLER)
    core = Core(application.systems, application.control, stack.clock, Notes())
    beside = Beside(DemoDeployment(stack), ClusterFacts(_credentials(stack)))
    return World(Names(CLUSTER), core, beside, "of the demo", application.control)


def _credentials(stack: LocalStack) -> FixedCredentials:
    api = ApiClient(Configuration(host="https://cluster.local"))
    connect_in_process(api, stack.cluster)
    return FixedCredentials(api)


def assign_by_hand(stack: LocalStack) -> str:
    """Assign two addresses more than the policy says to a NIC, as in the console; return the NIC's id."""
    eni_id = min(eni.id for eni in stack.model.enis.values() if eni.attachment is not None)
    params = {"NetworkInterfaceId": eni_id, "SecondaryPrivateIpAddressCount": 2}
    stack.model.call("AssignPrivateIpAddresses", params)
    return eni_id


def edit_by_hand(stack: LocalStack) -> tuple[str, str]:
    """Take an address that no pod uses out of a pool, as with kubectl edit; return the pool's name and the address."""
    pool = max(
        (p for p in stack.cluster.objects("spiderippools") if p["spec"]["ipVersion"] == 4),
        key=lambda stored: stored["metadata"]["name"],
    )
    listed = AddressSet.parse(IPFamily.IPV4, pool["spec"]["ips"])
    address = list(listed)[-1]
    rest = listed - AddressSet.of(IPFamily.IPV4, [address])
    stack.cluster.put({**pool, "spec": {**pool["spec"], "ips": rest.to_ranges()}})
    return pool["metadata"]["name"], address
