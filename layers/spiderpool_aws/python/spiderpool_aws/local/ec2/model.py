"""The model itself: one account and region of EC2's networking, called with boto3's parameters."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.ec2 import (  # noqa: F401  (each registers its operations)
    assignment_calls,
    describes,
    enis,
    launching,
    lifecycle,
    networks,
    tagging,
    templates,
)
from spiderpool_aws.local.ec2.calls import Ec2Call, FaultHook
from spiderpool_aws.local.ec2.errors import Ec2Error, Ec2TimeoutError, not_modelled
from spiderpool_aws.local.ec2.events import Events, Listener
from spiderpool_aws.local.ec2.options import Ec2Options
from spiderpool_aws.local.ec2.registry import OPERATIONS, Answer, Operation, check_known
from spiderpool_aws.local.ec2.state import Eni, Instance, Subnet
from spiderpool_aws.local.ec2.throttling import Throttle
from spiderpool_aws.local.ec2.world import World

Observer = Callable[[Ec2Call], None]
NicObserver = Callable[[str], None]

_PRECONDITION_FAILED = 412


class Ec2Model:
    """A strict EC2: it refuses whatever EC2 refuses, and what it does not know.

    `call` takes boto3's parameters and returns boto3's answer without ResponseMetadata, or raises `Ec2Error`, or
    `Ec2TimeoutError` where a fault was injected. Time passes only when somebody runs the clock.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        region: str = "eu-west-1",
        account_id: str = "123456789012",
        partition: str = "aws",
        options: Ec2Options | None = None,
    ) -> None:
        self.clock = clock
        self.world = World(clock, region, account_id, partition, options or Ec2Options())
        self.events = Events(self.world)
        self.world.on_state_change = self.events.state_changed
        self.calls: list[Ec2Call] = []
        self._operator = f"arn:{partition}:iam::{account_id}:role/operator"
        self._throttle = Throttle(self.world.options.buckets, clock.now)
        self._observers: list[Observer] = []
        self._nic_observers: list[NicObserver] = []
        self.world.on_nic_change = self._tell_of_nic
        self._faults: list[FaultHook] = []

    @property
    def region(self) -> str:
        """Return the region that this model is."""
        return self.world.region

    @property
    def account_id(self) -> str:
        """Return the account that owns everything."""
        return self.world.account_id

    @property
    def instances(self) -> Mapping[str, Instance]:
        """Return all instances by id, as they truly are now. To be read only."""
        return MappingProxyType(self.world.instances)

    @property
    def enis(self) -> Mapping[str, Eni]:
        """Return all NICs by id, as they truly are now. To be read only."""
        return MappingProxyType(self.world.enis)

    @property
    def subnets(self) -> Mapping[str, Subnet]:
        """Return all subnets by id. To be read only."""
        return MappingProxyType(self.world.subnets)

    def holder_of(self, address: str, vpc_id: str | None = None) -> str | None:
        """Return the id of the NIC that holds this address, itself or within a prefix; of the first VPC that has it."""
        for identifier in [vpc_id] if vpc_id else self.world.vpcs:
            holder = self.world.holder(identifier, address)
            if holder:
                return holder
        return None

    def subscribe(self, listener: Listener) -> None:
        """Deliver each EventBridge envelope to this listener, after the call that caused it is complete."""
        self.events.subscribe(listener)

    def observe(self, observer: Observer) -> None:
        """Tell this observer of every call, synchronously, before the call returns and before its events."""
        self._observers.append(observer)

    def observe_nics(self, observer: NicObserver) -> None:
        """Tell this observer the id of every NIC that changed or is gone, at the moment of the change.

        Time changes NICs, too: those of a terminated instance go long after the call. A launch is not told.
        """
        self._nic_observers.append(observer)

    def _tell_of_nic(self, eni_id: str) -> None:
        for observer in self._nic_observers:
            observer(eni_id)

    def inject(self, hook: FaultHook) -> Callable[[], None]:
        """Ask this hook before every call whether it shall fail; return what takes the hook out again."""
        self._faults.append(hook)
        return lambda: self._faults.remove(hook)

    def call(self, operation: str, params: Mapping[str, Any] | None = None, caller: str | None = None) -> Answer:
        """Make a call; `caller` is the ARN of a role, by default `role/operator`."""
        done = self.execute(operation, params or {}, caller)
        if done.error is not None:
            raise done.error
        return done.answer or {}

    def tick(self) -> None:
        """Let what is due happen: for whoever keeps a server alive while nobody calls."""
        with self._alone():
            self.clock.run_due()
        self.events.flush()

    def serve(self, operation: str, params: Mapping[str, Any], caller: str | None = None) -> Ec2Call:
        """Let what is due happen, then make a call: for servers, whose clients do not run the clock."""
        with self._alone():
            self.clock.run_due()
            done = self._record(operation, params, caller)
        self.events.flush()
        return done

    def execute(self, operation: str, params: Mapping[str, Any], caller: str | None = None) -> Ec2Call:
        """Make a call and return it with its answer or its error, instead of raising."""
        with self._alone():
            done = self._record(operation, params, caller)
        self.events.flush()
        return done

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other thread change anything, and keep events back."""
        with self.world.lock:
            self.events.hold()
            try:
                yield
            finally:
                self.events.release()

    def _record(self, operation: str, params: Mapping[str, Any], caller: str | None) -> Ec2Call:
        happened, seen = self._execute(operation, params, caller or self._operator)
        self.calls.append(replace(seen, answer=None))
        for observer in self._observers:
            observer(seen)
        if happened and operation in OPERATIONS and OPERATIONS[operation].mutating:
            self.events.called(happened)
        return seen

    def _execute(self, name: str, params: Mapping[str, Any], caller: str) -> tuple[Ec2Call | None, Ec2Call]:
        """Return the call as EC2 knows it, None if it never arrived, and as the caller does."""
        call = Ec2Call(name, params, caller, None, None, self.world.now(), self.world.ids.uuid(), took_effect=False)
        fault = next((fault for hook in self._faults if (fault := hook(name, params)) is not None), None)
        if fault is not None and fault.error is not None:
            refused = replace(call, error=fault.error)
            return refused, refused
        happened = None if fault is not None and not fault.takes_effect else self._attempt(call, params)
        if fault is None and happened is not None:
            return happened, happened
        took_effect = happened is not None and happened.took_effect
        return happened, replace(call, error=Ec2TimeoutError(f"{name} did not answer"), took_effect=took_effect)

    def _attempt(self, done: Ec2Call, params: Mapping[str, Any]) -> Ec2Call:
        try:
            answer = self._run(_known(done.operation), params)
        except Ec2Error as error:
            return replace(done, error=error)
        finally:
            self.world.settle()
        return replace(done, answer=answer, took_effect=True)

    def _run(self, operation: Operation, params: Mapping[str, Any]) -> Answer:
        check_known(params, operation.accepts, operation.name)
        self.world.lag.draw()
        self._throttle.admit(operation, params)
        if params.get("DryRun"):
            message = "Request would have succeeded, but DryRun flag is set."
            raise Ec2Error("DryRunOperation", message, _PRECONDITION_FAILED)
        return operation.handler(self.world, params)


def _known(name: str) -> Operation:
    if name not in OPERATIONS:
        raise not_modelled(name)
    return OPERATIONS[name]
