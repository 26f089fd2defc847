"""An address that a pod uses and that its NIC has lost to another one, until the pod and the quarantine are gone."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spiderpool_aws.domain.addresses import EMPTY, AddressSet
from spiderpool_aws.domain.errors import RetryLater
from spiderpool_aws.domain.instance import InstanceState
from spiderpool_aws.domain.request import Outcome, Status
from spiderpool_aws.local.cluster import SpiderpoolAgent
from spiderpool_aws.local.ec2 import Ec2Model
from spiderpool_aws.local.invariants import InvariantChecker
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from tests.integration.reconciling import MERGE, POOLS, SPIDERPOOL, Bench, DoubleServer, Json, ServerUnderTest
from tests.unit import build
from tests.unit.build import V4, v4
from tests.unit.world import SmallScaling

DNS = "ip-10-0-0-10.eu-west-1.compute.internal"
POOL = f"{DNS}-ens5-v4-00000000"
RESERVED = f"{SPIDERPOOL}/spiderreservedips"
NETWORK = "kube-system/ipvlan-ens5"
LOST = v4("10.0.0.20")
NIC, OTHER = "eni-00000000000000000", "eni-00000000000000009"


class Case(Bench):
    """A node whose pod uses the first of its five addresses."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.join(DNS)
        other = build.eni(0, eni_id=OTHER, attachment_id="eni-attach-9", primary_ipv4="10.0.0.9")
        self.ec2.put(build.instance(other, instance_id="i-9", private_ipv4="10.0.0.9", private_dns_name="", tags={}))
        self.reconcile()

    def use(self, *addresses: str) -> None:
        """Let a pod use these addresses and no other, as Spiderpool's agent writes it."""
        records = {address: {"pod": "default/web", "podUid": "1"} for address in addresses}
        status = {"allocatedIPs": json.dumps(records) if records else None}
        self.server.admin("PATCH", f"{POOLS}/{POOL}/status", {"status": status}, MERGE)

    def lose(self, addresses: AddressSet = LOST, *, to: str = OTHER) -> None:
        """Let somebody move addresses from the node's NIC to another one."""
        self.ec2.change_eni(self.ec2.eni(NIC).without(addresses, ()))
        self.ec2.change_eni(self.ec2.eni(to).with_assigned(addresses, ()))

    def give_back(self, addresses: AddressSet = LOST) -> None:
        self.ec2.change_eni(self.ec2.eni(OTHER).without(addresses, ()))

    def look_again(self) -> Outcome:
        """Look for the second time, half a minute after the first."""
        self.clock.ahead += timedelta(seconds=31)
        return self.reconcile()

    def quarantine(self, addresses: AddressSet = LOST) -> Outcome:
        """Let the pod's addresses get lost, and look twice."""
        self.use(*addresses)
        self.lose(addresses)
        assert self.reconcile().status is Status.WAITING
        assert self.reserved() == EMPTY[V4]
        return self.look_again()

    def reserved(self) -> AddressSet:
        """Return what our reservations keep back."""
        return next((known.addresses for known in self.adapter.list_reservations()), EMPTY[V4])

    def listed(self) -> AddressSet:
        return self.pools()[POOL].spec.ips


def terminated(case: Case) -> None:
    case.launch(state=InstanceState.TERMINATED, enis=(), private_ipv4="", private_dns_name="")


def left_alone(case: Case) -> None:
    case.launch(tags={"spiderpool-aws/cluster": "prod", "spiderpool-aws/managed": "false"})


def forgotten(case: Case) -> None:
    del case.ec2.known["i-1"]


@pytest.fixture
def case(server: ServerUnderTest) -> Case:
    return Case(server)


def test_an_address_in_use_that_another_nic_holds_is_quarantined_until_its_pod_is_gone(case: Case) -> None:
    outcome = case.quarantine()
    assert outcome.status is Status.REFUSED
    assert "AddressTaken" in [finding.code for finding in outcome.findings]
    assert (case.reserved(), case.listed()) == (LOST, v4("10.0.0.20-10.0.0.25"))
    (told,) = case.events("AddressQuarantined")
    assert (told["type"], "10.0.0.20" in told["message"]) == ("Warning", True)
    assert case.reconcile().writes == 0
    case.use()
    assert case.reconcile().status is Status.DONE
    assert (case.reserved(), case.listed()) == (EMPTY[V4], v4("10.0.0.21-10.0.0.25"))
    assert case.reconcile().writes == 0
    assert len(case.events("AddressQuarantined")) == 1


def test_an_address_that_left_a_full_nic_is_quarantined_though_there_is_no_room_to_assign_it_again(case: Case) -> None:
    case.use("10.0.0.20")
    case.lose()
    case.ec2.change_eni(case.ec2.eni(NIC).with_assigned(v4("10.0.0.30-10.0.0.34"), ()))
    assert case.ec2.limits.ipv4_per_eni == 1 + case.ec2.eni(NIC).ipv4.count()
    case.reconcile()
    outcome = case.look_again()
    assert "AddressTaken" in [finding.code for finding in outcome.findings]
    assert (case.reserved(), LOST - case.listed()) == (LOST, EMPTY[V4])
    assert "reassign" not in case.ec2.calls
    assert case.reconcile().writes == 0
    case.use()
    case.reconcile()
    assert (case.reserved(), LOST & case.listed()) == (EMPTY[V4], EMPTY[V4])


def test_an_address_that_its_holder_gives_back_is_assigned_again_and_its_quarantine_ends(case: Case) -> None:
    case.quarantine()
    case.give_back()
    assert case.reconcile().status is Status.DONE
    assert case.reserved() == EMPTY[V4]
    assert LOST - case.ec2.eni(NIC).addresses(V4) == EMPTY[V4]
    case.use()
    case.reconcile()
    assert case.reconcile().writes == 0


def test_while_ec2_does_not_say_who_holds_the_address_it_stays_quarantined(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.quarantine()
    with monkeypatch.context() as busy:
        busy.setattr(case.ec2, "holders", fail_for_now)
        assert case.reconcile().status is Status.FAILED
    assert case.reserved() == LOST


def fail_for_now(*_: object) -> None:
    raise RetryLater("EC2 is busy")


def test_of_two_quarantined_addresses_the_one_that_its_pod_left_is_free_at_once(case: Case) -> None:
    case.quarantine(v4("10.0.0.20-10.0.0.21"))
    assert case.reserved() == v4("10.0.0.20-10.0.0.21")
    case.use("10.0.0.21")
    case.reconcile()
    assert case.reserved() == v4("10.0.0.21")
    assert case.reconcile().writes == 0


def test_a_quarantine_that_somebody_deleted_or_changed_is_mended(case: Case) -> None:
    case.quarantine()
    case.server.admin("PATCH", f"{RESERVED}/{POOL}", {"spec": {"ips": ["10.0.0.20", "10.0.0.77"]}}, MERGE)
    assert (case.reconcile().writes, case.reserved()) == (1, LOST)
    case.server.admin("DELETE", f"{RESERVED}/{POOL}")
    assert (case.reconcile().writes, case.reserved()) == (1, LOST)


def test_what_somebody_else_keeps_back_under_the_name_is_left_alone_and_told(case: Case) -> None:
    hand_made: Json = {
        "apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderReservedIP", "metadata": {"name": POOL},
        "spec": {"ipVersion": 4, "ips": ["10.0.0.99"]},
    }  # fmt: skip
    stored = case.server.admin("POST", RESERVED, hand_made)
    outcome = case.quarantine()
    assert any("is not ours" in finding.message for finding in outcome.findings)
    case.use()
    case.reconcile()
    terminated(case)
    case.reconcile()
    assert case.server.admin("GET", f"{RESERVED}/{POOL}") == stored
    assert len(case.events("PoolRefused")) == 1


def test_a_stopped_node_keeps_back_nothing_that_its_pool_no_longer_lists(case: Case) -> None:
    case.quarantine()
    nic = case.ec2.eni(NIC)
    case.launch(state=InstanceState.STOPPED, enis=(nic,))
    case.reconcile()
    assert case.reserved() == LOST
    case.use()
    case.reconcile()
    assert (case.reserved(), LOST & case.listed()) == (EMPTY[V4], EMPTY[V4])
    assert case.reconcile().writes == 0


@pytest.mark.parametrize("pod", [("10.0.0.20",), ()], ids=["its pod is still there", "its pod is gone"])
def test_the_quarantine_goes_with_its_instance(case: Case, pod: tuple[str, ...]) -> None:
    case.quarantine()
    case.use(*pod)
    terminated(case)
    case.reconcile()
    assert case.adapter.list_reservations() == []
    assert all(pool.terminating for pool in case.pools().values())
    assert case.reconcile().writes == 0


@pytest.mark.parametrize("become", [terminated, left_alone, forgotten])
def test_a_quarantine_whose_pool_somebody_deleted_goes_though_no_pool_is_left_in_the_cluster(
    case: Case, become: Callable[[Case], None]
) -> None:
    case.quarantine()
    case.use()
    case.server.admin("DELETE", f"{POOLS}/{POOL}")
    case.server.admin("PATCH", f"{POOLS}/{POOL}", {"metadata": {"finalizers": None}}, MERGE)
    assert case.pools() == {}
    become(case)
    case.reconcile()
    assert case.adapter.list_reservations() == []


class StoppedError(Exception):
    """The worker was stopped."""


class Stopping:
    """Stands before a port and stops the worker right after its write number so and so."""

    READS = ("list_", "get_", "observe_", "type_limits", "subnets", "spare_", "find_", "live_", "instances_", "holders")

    def __init__(self, port: Any, count: Callable[[], bool]) -> None:
        self._port, self._count = port, count

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name.startswith(self.READS):
            return method

        def call(*args: Any, **options: Any) -> Any:
            answer = method(*args, **options)
            if self._count():
                raise StoppedError
            return answer

        return call


class Interrupted(Case):
    """A case whose worker is stopped once, after a write, and whose message then comes back."""

    stop_after: int | None = None
    writes = 0

    def _stops(self) -> bool:
        self.writes += 1
        return self.writes == self.stop_after

    def reconcile(self, instance_id: str = "i-1") -> Outcome:
        worker = self.reconciler
        ports: list[Any] = [Stopping(self.ec2, self._stops), Stopping(self.adapter, self._stops), SmallScaling()]
        self.reconciler = Reconciler(Systems(*ports), self.control, self.clock, self.reporter)
        try:
            return super().reconcile(instance_id)
        except StoppedError:
            return super().reconcile(instance_id)
        finally:
            self.reconciler = worker


def life(stop_after: int | None) -> tuple[int, Any]:
    """Run a quarantine from its beginning to its end; return how many writes it took, and what is stored then."""
    case = Interrupted(DoubleServer())
    case.writes, case.stop_after = 0, stop_after
    case.use("10.0.0.20")
    case.lose()
    case.reconcile()
    case.look_again()
    during = case.reserved()
    case.use()
    case.reconcile()
    assert case.reconcile().writes == 0
    pool = replace(case.pools()[POOL], uid="", resource_version="")
    return case.writes, (during, case.reserved(), pool, case.ec2.eni(NIC))


def test_stopping_after_any_write_and_starting_again_ends_the_same() -> None:
    writes, end = life(None)
    assert writes >= 7
    assert [stop for stop in range(1, writes + 1) if life(stop)[1] != end] == []


def test_no_pod_gets_a_quarantined_address_and_every_write_of_it_is_judged() -> None:
    server = DoubleServer()
    agent = SpiderpoolAgent(server.double, needs_networks=False)
    model = Ec2Model(server.double.clock)
    checker = InvariantChecker(model, server.double, (), lambda: build.policy(nics=1))
    case = Case(server)
    web = agent.run_pod("default", "web", DNS, NETWORK)
    assert web.addresses == list(LOST)
    case.lose()
    case.reconcile()
    case.look_again()
    agent.delete_pod("default", "web")
    given = [agent.run_pod("default", f"next-{n}", DNS, NETWORK) for n in range(6)]
    assert [pod.addresses for pod in given] == [[f"10.0.0.{n}"] for n in range(21, 26)] + [[]]
    assert "all IP addresses used out" in given[-1].error
    case.reconcile()
    assert (case.reserved(), case.listed()) == (EMPTY[V4], v4("10.0.0.21-10.0.0.25"))
    checker.assert_no_leaks()
    # The small EC2 is not the model's, so only what is kept back is judged here.
    assert [str(v) for v in checker.violations if "reserv" in str(v)] == []
