"""Many subnets in which a NIC may be created, and none that has room: a pass asks each once, and ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from spiderpool_aws.domain.actions.nics import CreateNic
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused
from spiderpool_aws.domain.instance import Eni, Subnet
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.request import Outcome, ReconcileRequest, Status
from spiderpool_aws.node_pass import MAX_ROUNDS
from spiderpool_aws.ports import Systems
from spiderpool_aws.reconciler import Reconciler
from tests.unit import build
from tests.unit.world import SmallClock, SmallCluster, SmallControl, SmallEc2, SmallReporter, SmallScaling


@dataclass
class FullSiblings(SmallEc2):
    """Subnets that say they have room and refuse each create."""

    siblings: int = 0
    asked: list[str] = field(default_factory=list)

    def find_subnets(self, vpc_id: str, tags: Mapping[str, str], ids: Sequence[str]) -> Sequence[Subnet]:
        return [replace(build.SUBNET_1, subnet_id=f"subnet-f{n}", available_ipv4=100) for n in range(self.siblings)]

    def subnets(self, subnet_ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Subnet]:
        return {i: replace(build.SUBNET_0, subnet_id=i, available_ipv4=200 if fresh else None) for i in subnet_ids}

    def create_nic(self, nic: CreateNic) -> Eni:
        self.asked.append(nic.subnet_id)
        raise Refused("not enough free addresses", Code.SUBNET_EXHAUSTED)


def policy() -> Policy:
    document = build.policy().model_dump(by_alias=True, exclude_unset=True)
    document["groups"][0]["interfaces"][1]["subnets"] = {"ids": [f"subnet-f{n}" for n in range(3 * MAX_ROUNDS)]}
    return Policy.model_validate(document)


def work(siblings: int) -> tuple[Outcome, FullSiblings, SmallCluster]:
    ec2, cluster = FullSiblings(siblings=siblings), SmallCluster()
    ec2.put(build.instance(build.eni(0)))
    cluster.nodes[build.node().name] = build.node()
    systems = Systems(ec2, cluster, SmallScaling())
    reconciler = Reconciler(systems, SmallControl(Control(policy())), SmallClock(), SmallReporter())
    return reconciler.reconcile([ReconcileRequest("i-1", "e", "test")])["i-1"], ec2, cluster


@pytest.mark.parametrize("siblings", [1, MAX_ROUNDS - 1, MAX_ROUNDS, 2 * MAX_ROUNDS + 1])
def test_however_many_subnets_refuse_a_nic_each_is_asked_once_and_the_other_nic_is_served(siblings: int) -> None:
    outcome, ec2, cluster = work(siblings)
    assert (outcome.status, len(ec2.asked), len(set(ec2.asked))) == (Status.WAITING, siblings, siblings)
    assert [pool.spec.ips.count() for pool in cluster.pools.values()] == [5]
    assert any(f.code == Code.SUBNET_EXHAUSTED and "has no room in" in f.message for f in outcome.findings)
    assert "planning did not end" not in outcome.reason


class UndoneAtOnce(SmallCluster):
    """Whatever is written, somebody has changed it before the answer."""

    def apply_pool(self, pool: Pool) -> Pool:
        stored = super().apply_pool(pool)
        return replace(stored, spec=replace(stored.spec, gateway=f"10.0.0.{100 + len(self.writes) % 2}"))


def test_what_is_undone_again_and_again_ends_the_pass_as_a_failure() -> None:
    ec2, cluster = SmallEc2(), UndoneAtOnce()
    ec2.put(build.instance(build.eni(0)))
    cluster.nodes[build.node().name] = build.node()
    control = SmallControl(Control(build.policy(nics=1)))
    reconciler = Reconciler(Systems(ec2, cluster, SmallScaling()), control, SmallClock(), SmallReporter())
    outcome = reconciler.reconcile([ReconcileRequest("i-1", "e", "test")])["i-1"]
    assert (outcome.status, "planning did not end" in outcome.reason) == (Status.FAILED, True)
    assert len(outcome.plans) == MAX_ROUNDS
