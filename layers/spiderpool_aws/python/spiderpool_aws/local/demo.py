"""The demo: an Auto Scaling group of six nodes lives through a day, on the embedded default.

Everything between EC2's model and the cluster's double is the product. After every step the invariants are checked.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from spiderpool_aws.domain.cluster.pool import Pool, SpiderIPPool
from spiderpool_aws.local.demo_tables import nodes_of, pools_of
from spiderpool_aws.local.demo_tally import Tally
from spiderpool_aws.local.ec2.autoscaling import AutoScalingGroup
from spiderpool_aws.local.ec2.fixtures import Network, SubnetPlan, create_network, tag_list
from spiderpool_aws.local.invariants import InvariantChecker
from spiderpool_aws.local.kubelet import Kubelets
from spiderpool_aws.local.stack import LocalStack

CLUSTER = "demo"
NODES = 6
NICS = ("ens5", "ens6")
STEP_SECONDS = 5.0
PATIENCE_SECONDS = 900.0

POLICY = """
version: 1
cluster: demo
groups:
  - name: workers
    match: {tags: {role: worker}}
    interfaces:
      - {deviceIndex: 0, host: ens5, multus: kube-system/ipvlan-ens5, ipv4: {addresses: 7}, ipv6: {prefixes: 1}}
      - {deviceIndex: 1, host: ens6, multus: kube-system/ipvlan-ens6, ipv4: {addresses: 7}, ipv6: {prefixes: 1}}
"""
# Small on purpose: three nodes of eight addresses fill a /27, so a successor has to take what the dead node leaves.
SUBNETS = {
    f"{nic}-{zone}": SubnetPlan(f"10.0.{10 * place + row}.0/27", zone)
    for place, nic in enumerate(NICS)
    for row, zone in enumerate(("a", "b"))
}


class DemoError(RuntimeError):
    """The demo did not get where it should in its time."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the demo did."""

    title: str
    virtual_seconds: float
    events: dict[str, int]
    """Events that matched a rule, by what happened."""
    ec2_calls: dict[str, int]
    """The product's EC2 calls, by name."""
    cluster_calls: dict[str, int]
    """The product's requests to the API server, by verb and resource."""
    says: str


@dataclass(slots=True)
class DemoResult:
    """Everything that `demo --output json` prints."""

    steps: list[Step] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    pools: list[dict[str, Any]] = field(default_factory=list)
    plan: dict[str, Any] = field(default_factory=dict)
    """The manual resync's dry run."""
    writes_judged: int = 0
    """How many writes the invariants were checked on."""

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


Narrator = Callable[[str, datetime], None]


class Demo:
    """Plays the steps one after the other; `say` is told each line as it happens, with the virtual time."""

    def __init__(self, stack: LocalStack, say: Narrator) -> None:
        self.stack = stack
        self.result = DemoResult()
        self._say = say
        self._checker = InvariantChecker(stack.model, stack.cluster, stack.role_arns, stack.policy)
        self._tally = Tally(stack)
        Kubelets(stack.model, stack.cluster, stack.agent)
        network = create_network(stack.model, SUBNETS)
        self._groups = [self._group(network, zone) for zone in ("a", "b")]
        stack.autoscaling.groups += self._groups
        stack.bus.watch(self._on_event)

    def play(self) -> DemoResult:
        """Play all steps."""
        self._step("the group grows from 0 to 6 nodes", self._grow)
        self._step("pods take addresses", self._run_pods)
        self._step("a node dies, its successor is handed its addresses", self._replace)
        self._step("somebody unassigns an address by hand", self._unassign)
        self._step("a resync by hand shows a plan, and then nothing is left to do", self._resync)
        self.result.nodes, self.result.pools = nodes_of(self.stack, NICS), pools_of(self.stack)
        self.result.writes_judged = self._checker.judged
        return self.result

    def prepare(self) -> None:
        """Play only what comes first: six nodes with their pools, and pods that use addresses."""
        self._grow()
        self._run_pods()
        self.stack.bus.settle()

    # --- the steps; each returns what it has to say

    def _grow(self) -> str:
        for group in self._groups:
            group.set_desired(NODES // 2)
        self._until(self._complete, "all nodes have their pools and no taint")
        return f"{NODES} nodes are ready, {len(self._live_pools())} pools list {self._listed()} addresses"

    def _run_pods(self) -> str:
        names = sorted(node["metadata"]["name"] for node in self.stack.cluster.objects("nodes"))
        for node in names:
            for nic in NICS:
                for number in range(2):
                    self.stack.agent.run_pod(
                        "default", f"web-{node.split('.')[0]}-{nic}-{number}", node, f"kube-system/ipvlan-{nic}"
                    )
        self.stack.bus.advance(STEP_SECONDS)
        used = sum(pool.allocated.count() for pool in self._live_pools())
        return f"{len(names) * len(NICS) * 2} pods use {used} addresses of both families"

    def _replace(self) -> str:
        victim = self._groups[0].instance_ids[0]
        lost = self._addresses_of(victim)
        self._tell(f"{victim} is terminated while its pods run")
        self.stack.model.call("TerminateInstances", {"InstanceIds": [victim]})
        gone = f"spiderpool-aws/instance={victim}"
        self._until(
            lambda: (
                self._complete()
                and not any(_label(pool) == gone for pool in self.stack.cluster.objects("spiderippools"))
            ),
            "the successor has its pools and those of the dead node are gone",
        )
        (successor,) = [i for i in self._groups[0].instance_ids if self._addresses_of(i) & lost]
        kept = len(self._addresses_of(successor) & lost)
        return f"{successor} serves {kept} of the {len(lost)} IPv4 addresses of {victim}; nobody intervened"

    def _unassign(self) -> str:
        pool = next(pool for pool in self._live_pools() if pool.family == 4 and pool.spec.ips - pool.allocated)
        eni_id, address = pool.identity.eni_id if pool.identity else "", next(iter(pool.spec.ips - pool.allocated))
        self._tell(f"somebody takes {address} from {eni_id}")
        params = {"NetworkInterfaceId": eni_id, "PrivateIpAddresses": [address]}
        self.stack.model.call("UnassignPrivateIpAddresses", params)
        before = self._tally.ec2["AssignPrivateIpAddresses"]
        self._until(
            lambda: self._tally.ec2["AssignPrivateIpAddresses"] > before and self._complete(), "the gap is filled again"
        )
        return f"two looks 30 s apart later {address} left {pool.name}, and the NIC was filled up again"

    def _resync(self) -> str:
        taken = self._some_prefix()
        self._tell(f"somebody takes {taken['Ipv6Prefixes'][0]} from {taken['NetworkInterfaceId']}")
        self.stack.model.call("UnassignIpv6Addresses", taken)
        plan = self._dry_run()
        self.result.plan = plan
        for line in (line for node in plan["plans"] for line in node["plan"].splitlines() if "converged" not in line):
            self._tell(line)
        self.stack.bus.invoke_resync({})
        self._until(lambda: not self._dry_run()["differing"] and self._complete(), "nothing differs")
        after = self._dry_run()
        self._checker.assert_idle(lambda: self.stack.bus.advance(600))
        return f"{plan['differing']} node differed, now {after['differing']} do; ten more minutes wrote nothing"

    def _dry_run(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.stack.bus.invoke_resync({"dryRun": True})
        return answer

    # --- how the steps look and wait

    def _step(self, title: str, play: Callable[[], str]) -> None:
        self._tell(f"== {title}")
        self._tally.clear()
        started = self.stack.clock.now()
        says = play()
        self._checker.check()
        seconds = (self.stack.clock.now() - started).total_seconds()
        tally = self._tally
        self.result.steps.append(Step(title, seconds, dict(tally.events), dict(tally.ec2), dict(tally.cluster()), says))
        self._tell(f"   {says}")

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        waited = 0.0
        while not reached():
            if waited >= PATIENCE_SECONDS:
                raise DemoError(f"after {waited:.0f} s of virtual time it is not so that {what}")
            self.stack.bus.advance(STEP_SECONDS)
            self._checker.check()
            waited += STEP_SECONDS

    def _complete(self) -> bool:
        live = {
            i for group in self._groups for i in group.instance_ids if self.stack.model.instances[i].state == "running"
        }
        pools = [pool for pool in self._live_pools() if pool.identity and pool.identity.instance_id in live]
        full = [
            pool
            for pool in pools
            if pool.spec.ips.count() == (7 if pool.family == 4 else 16) and not pool.memory.missing
        ]
        tainted = [node for node in self.stack.cluster.objects("nodes") if node["spec"].get("taints")]
        return len(live) == NODES and len(full) == len(pools) == NODES * len(NICS) * 2 and not tainted

    def _live_pools(self) -> list[Pool]:
        pools = (
            SpiderIPPool.model_validate(stored).to_pool() for stored in self.stack.cluster.objects("spiderippools")
        )
        return [pool for pool in pools if not pool.terminating]

    def _listed(self) -> int:
        return sum(pool.spec.ips.count() for pool in self._live_pools())

    def _addresses_of(self, instance_id: str) -> set[str]:
        enis = (
            eni
            for eni in self.stack.model.enis.values()
            if eni.attachment and eni.attachment.instance_id == instance_id
        )
        return {address for eni in enis for address in eni.secondary_ips}

    def _some_prefix(self) -> dict[str, Any]:
        """Return what takes an IPv6 prefix that no pod uses from a NIC: that of a successor, whose pods are gone."""
        unused = next(pool for pool in self._live_pools() if pool.family == 6 and not pool.allocated)
        eni_id = unused.identity.eni_id if unused.identity else ""
        return {"NetworkInterfaceId": eni_id, "Ipv6Prefixes": self.stack.model.enis[eni_id].ipv6_prefixes}

    def _group(self, network: Network, zone: str) -> AutoScalingGroup:
        nics = [
            {
                "DeviceIndex": index,
                "SubnetId": network.subnets[f"{nic}-{zone}"],
                "Groups": [network.group_id],
                "Ipv6AddressCount": 1,
                "PrimaryIpv6": True,
                "DeleteOnTermination": True,
            }
            for index, nic in enumerate(NICS)
        ]
        tags = tag_list({"spiderpool-aws/cluster": CLUSTER, "role": "worker"})
        data = {
            "ImageId": "ami-0123456789abcdef0",
            "InstanceType": "m5.large",
            "NetworkInterfaces": nics,
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "network-interface")],
        }
        name = f"{CLUSTER}-{zone}"
        self.stack.model.call("CreateLaunchTemplate", {"LaunchTemplateName": name, "LaunchTemplateData": data})
        template = {"LaunchTemplateName": name}
        return AutoScalingGroup(self.stack.model, name, [network.subnets[f"ens5-{zone}"]], template)

    def _on_event(self, event: dict[str, Any], matched: Any) -> None:
        detail = event["detail"]
        what = detail.get("state") or detail.get("eventName") or event["detail-type"]
        if matched:
            self._tally.events[f"{what} -> {', '.join(matched)}"] += 1
            self._tell(f"event: {what} {detail.get('instance-id', '')}".rstrip())

    def _tell(self, line: str) -> None:
        self._say(line, self.stack.clock.now())


def _label(stored: dict[str, Any]) -> str:
    return f"spiderpool-aws/instance={stored['metadata'].get('labels', {}).get('spiderpool-aws/instance', '')}"


def run(
    say: Narrator = lambda _line, _at: None, at_end: Callable[[LocalStack], None] = lambda _stack: None
) -> DemoResult:
    """Play the whole demo and return what happened; `at_end` is given the stack before it is gone."""
    with LocalStack(policy=POLICY) as stack:
        result = Demo(stack, say).play()
        at_end(stack)
        return result
