"""What the commands work on: ports, so that the same command runs on AWS and on the embedded demo cluster."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from spiderpool_aws.cli.errors import Mistake

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from spiderpool_aws.about import About
    from spiderpool_aws.adapters.account import FunctionFacts, Identity, TrailFacts
    from spiderpool_aws.adapters.cluster_facts import ToldEvent
    from spiderpool_aws.adapters.deployed import QueueDepth
    from spiderpool_aws.adapters.simulator import Denied
    from spiderpool_aws.cli.verify_run import ProbePort
    from spiderpool_aws.deployment import Names
    from spiderpool_aws.domain.control import Control
    from spiderpool_aws.domain.fuse import Fuse
    from spiderpool_aws.domain.policy.model import Policy
    from spiderpool_aws.domain.request import ReconcileRequest
    from spiderpool_aws.manifests.rbac import Rule
    from spiderpool_aws.permissions import Need
    from spiderpool_aws.ports import Clock, ControlPort, Systems


class DeployedPort(Protocol):
    """The deployment of the cluster: `adapters.deployed`."""

    def resync(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the resync and return its answer."""

    def worker_runs(self) -> bool:
        """Tell whether the worker is deployed and may run."""

    def policy_changed_at(self) -> datetime | None:
        """Return when the policy's parameter was written last; None: there is none."""

    def queues(self) -> Sequence[QueueDepth]:
        """Return how full each queue is."""

    def pause(self, seconds: float) -> None:
        """Let time pass, in which the deployment works."""


class FactsPort(Protocol):
    """What people ask of the API server beyond what the product needs: `adapters.cluster_facts`."""

    @property
    def server(self) -> str:
        """Return the API server's URL."""

    def events_of(self, node_name: str) -> Sequence[ToldEvent]:
        """Return the Events of a Node, the oldest first."""

    def version(self) -> str:
        """Return the API server's version."""

    def count(self, kind: str) -> int:
        """Return how many objects there are of one of Spiderpool's resources, by its plural."""

    def try_pool(self) -> None:
        """Have a pool go through Spiderpool's webhooks without storing it."""

    def spiderpool_config(self) -> Mapping[str, Any] | None:
        """Return Spiderpool's settings; None when they are not found."""

    def allows(self, rule: Rule, verb: str, user: str = "") -> bool:
        """Tell whether RBAC lets a user do it; without a user, the person at the terminal."""


class AccountPort(Protocol):
    """What the AWS account has of the deployment: `adapters.account`."""

    def identity(self) -> Identity:
        """Return who asks, and AWS's time."""

    def function(self, name: str) -> FunctionFacts | None:
        """Return a function; None when it is not deployed."""

    def queue_is_read(self) -> bool:
        """Tell whether the worker takes requests from its queue."""

    def rule_state(self, name: str) -> str:
        """Return the state of a route's rule; empty when it is not there."""

    def trails(self) -> Sequence[TrailFacts]:
        """Return the trails that record this region."""

    def federation_is_on(self) -> bool:
        """Tell whether AWS signs tokens for this account."""

    def try_write(self, operation: str, params: Mapping[str, Any]) -> None:
        """Have EC2 say whether the caller may do it, without doing it."""

    def denied(self, role_arn: str, need: Need) -> Sequence[Denied]:
        """Return what of a need IAM would deny a role."""


@dataclass(slots=True)
class Notes:
    """Implements `Reporter` for a person: warnings are kept, each once, to be shown beside the result."""

    warnings: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def about(self, _about: About) -> AbstractContextManager[None]:
        """Do nothing: a person is told about everything alike."""
        return nullcontext()

    def info(self, message: str, **_fields: object) -> None:
        """Keep what was done."""
        self.done.append(message)

    def warning(self, message: str, **_fields: object) -> None:
        """Keep what a person should know."""
        if message not in self.warnings:
            self.warnings.append(message)

    def count(self, metric: str, value: int = 1, *, of: str = "") -> None:
        """Do nothing: metrics are the functions'."""

    def measure(self, metric: str, value: float, *, of: str = "") -> None:
        """Do nothing, either."""


@dataclass(frozen=True, slots=True)
class Core:
    """What the product itself needs."""

    systems: Systems
    control: ControlPort
    clock: Clock
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True, slots=True)
class Beside:
    """What only people ask."""

    deployed: DeployedPort
    facts: FactsPort
    account: AccountPort
    probes: ProbePort | None = None
    """None: nothing runs pods, as in the demo."""


@dataclass(frozen=True, slots=True)
class World:
    """One cluster, as a command sees it."""

    names: Names
    core: Core
    beside: Beside
    policy_source: str
    """Where the policy comes from, for people."""
    parameters: ControlPort
    """What the deployed functions read, also where the command was given a file."""

    @property
    def deployed(self) -> DeployedPort:
        """Return the cluster's deployment."""
        return self.beside.deployed

    @property
    def facts(self) -> FactsPort:
        """Return what the API server says to people."""
        return self.beside.facts

    @property
    def account(self) -> AccountPort:
        """Return what the AWS account has of the deployment."""
        return self.beside.account

    def control(self) -> tuple[Control, Policy]:
        """Read the policy and the fuse. Raises Mistake when no valid policy is there or it is another cluster's."""
        control = self.core.control.read()
        if control.policy is None:
            raise Mistake(f"there is no valid policy: {control.problem}")
        if control.policy.cluster != self.names.cluster:
            raise Mistake(
                f"the policy {self.policy_source} is for the cluster {control.policy.cluster!r}, not "
                f"{self.names.cluster!r}: give --cluster {control.policy.cluster}, or another --policy"
            )
        if control.problem:
            self.core.notes.warning(f"the newest policy is not in force: {control.problem}")
        return control, control.policy


@dataclass(frozen=True, slots=True)
class FixedControl:
    """Implements `ControlPort` with what was read, under another mode."""

    control: Control
    mode: str

    def read(self) -> Control:
        """Return it."""
        policy = self.control.policy
        return replace(self.control, policy=policy.model_copy(update={"mode": self.mode}) if policy else None)

    def write_fuse(self, fuse: Fuse, *, instead_of: Fuse) -> bool:
        """Refuse: only the deployed resync changes the fuse."""
        raise NotImplementedError(f"no command writes the fuse: {fuse} instead of {instead_of}")


class NoQueue:
    """Implements `QueuePort` for what never enqueues."""

    def send(self, requests: Sequence[ReconcileRequest]) -> None:
        """Refuse: only the deployed functions enqueue."""
        raise NotImplementedError(f"no command enqueues: {requests}")
