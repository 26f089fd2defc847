"""A cluster of any size as the commands see it: two NICs a node, both families, three zones, and pods."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

from spiderpool_aws.adapters.deployed import QueueDepth
from spiderpool_aws.cli.world import Beside, Core, Notes, World
from spiderpool_aws.deployment import Names
from spiderpool_aws.domain.addresses import AddressSet, IPFamily, parse_network, vpc_gateway
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity, PoolSpec
from spiderpool_aws.domain.cluster.reservation import Reservation
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.instance import Eni, Subnet
from spiderpool_aws.domain.rules.nic_family import pool_name
from spiderpool_aws.ports import Systems
from tests.unit import build
from tests.unit.build import V4, V6
from tests.unit.world import SmallClock, SmallCluster, SmallControl, SmallEc2, SmallScaling

ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
POLICY = build.policy(ipv4={"addresses": 7}, ipv6={"prefixes": 1})


class SmallDeployment:
    """Implements what the map asks of a deployment: its queues."""

    def queues(self) -> list[QueueDepth]:
        return [
            QueueDepth("requests", 4),
            QueueDepth("dead-requests", 0, dead=True),
            QueueDepth("lost-events", None, dead=True),
        ]


@dataclass
class MapFleet:
    """Converged nodes, whose pods use a tenth to nine tenths of the addresses; tests change what is in `cluster`."""

    nodes: int = 3
    ec2: SmallEc2 = field(default_factory=SmallEc2)
    cluster: SmallCluster = field(default_factory=SmallCluster)
    control: SmallControl = field(default_factory=lambda: SmallControl(Control(POLICY)))

    def __post_init__(self) -> None:
        self.ec2.known_subnets = {
            f"subnet-{place}-{nic}": _subnet(place, nic) for place in range(3) for nic in range(2)
        }
        for number in range(self.nodes):
            self._launch(number)

    def world(self) -> World:
        core = Core(Systems(self.ec2, self.cluster, SmallScaling()), self.control, SmallClock(), Notes())
        nobody = cast(Any, None)
        beside = Beside(cast(Any, SmallDeployment()), facts=nobody, account=nobody)
        return World(Names("prod"), core, beside, "ssm:/spiderpool-aws/prod/policy", self.control)

    def eni_id(self, number: int, nic: int = 0) -> str:
        return f"eni-{number:015x}{nic:02x}"

    def pool(self, number: int, nic: int = 0, family: IPFamily = V4) -> Pool:
        pools = self.cluster.pools.values()
        return next(
            p for p in pools if p.identity and p.identity.eni_id == self.eni_id(number, nic) and p.family is family
        )

    def put(self, pool: Pool) -> None:
        self.cluster.pools[pool.name] = pool

    def let_pod_use(self, pool: Pool, pod: str, address: str) -> None:
        allocated = pool.allocated | AddressSet.of(pool.family, [address])
        self.put(replace(pool, allocated=allocated, users={**pool.users, address: pod}))

    def quarantine(self, pool: Pool, address: str) -> None:
        assert pool.identity is not None
        addresses = AddressSet.of(pool.family, [address])
        self.cluster.reservations[pool.name] = Reservation(pool.name, pool.identity, addresses, uid="uid")

    def lose(self, address: str) -> None:
        """EC2 no longer has it on its NIC."""
        lost = AddressSet.of(V4, [address])
        for known in list(self.ec2.known.values()):
            for eni in known.enis:
                if address in eni.ipv4:
                    self.ec2.change_eni(eni.without(lost, ()))

    def _launch(self, number: int) -> None:
        place = number % len(ZONES)
        enis = [self._eni(number, place, nic) for nic in range(2)]
        address, name = enis[0].primary_ipv4, f"ip-{enis[0].primary_ipv4.replace('.', '-')}.eu-west-1.compute.internal"
        instance_id = f"i-{number:017x}"
        facts = {"private_dns_name": name, "private_ipv4": address, "availability_zone": ZONES[place]}
        self.ec2.put(build.instance(*enis, instance_id=instance_id, **facts))
        provider = f"aws:///{ZONES[place]}/{instance_id}"
        self.cluster.nodes[name] = build.node(
            name=name, uid=f"u-{number}", provider_id=provider, internal_ips=(address,)
        )
        for eni in enis:
            for family in IPFamily:
                self._add_pool(number, name, eni, family)

    def _eni(self, number: int, place: int, nic: int) -> Eni:
        subnet = self.ec2.known_subnets[f"subnet-{place}-{nic}"]
        assert subnet.ipv4 is not None
        assert subnet.ipv6 is not None
        first = int(subnet.ipv4.network_address) + 4 + 8 * (number // len(ZONES))
        host = str(V6.address(int(subnet.ipv6.network_address) + 10 + number))
        prefix = f"{V6.address(int(subnet.ipv6.network_address) + ((number + 1) << 48))}/80"
        return replace(
            build.eni(nic),
            eni_id=self.eni_id(number, nic),
            attachment_id=f"eni-attach-{number:015x}{nic:02x}",
            subnet_id=subnet.subnet_id,
            primary_ipv4=str(V4.address(first)),
            ipv4=AddressSet(V4, ((first + 1, first + 7),)),
            ipv6=AddressSet.of(V6, [host]),
            primary_ipv6=host,
            ipv6_prefixes=(parse_network(prefix),),
        )

    def _add_pool(self, number: int, name: str, eni: Eni, family: IPFamily) -> None:
        instance_id, host = f"i-{number:017x}", f"ens{5 + eni.device_index}"
        cidr = self.ec2.known_subnets[eni.subnet_id].cidr(family)
        assert cidr is not None
        ips = eni.ipv4 if family is V4 else AddressSet.from_networks(family, eni.ipv6_prefixes, limit_each=16)
        spec = PoolSpec(str(cidr), ips, vpc_gateway(cidr), (name,), (f"kube-system/ipvlan-{host}",), default=True)
        identity = PoolIdentity("prod", instance_id, eni.eni_id, eni.attachment_id, family)
        pods = {
            address: f"shop/web-{number}-{eni.device_index}-{place}"
            for place, address in enumerate(list(ips)[: ips.count() * (1 + number % 9) // 10])
        }
        pool = Pool(
            pool_name(name, host, family, eni.eni_id),
            identity,
            spec,
            AddressSet.of(family, pods),
            build.v4(),
            users=pods,
        )
        memory = replace(pool.memory, node_uid=f"u-{number}")
        self.put(replace(pool, excluded=AddressSet(family), memory=memory, uid=f"uid-{pool.name}"))


def _subnet(place: int, nic: int) -> Subnet:
    octet = 16 * (3 * nic + place)
    ipv4, ipv6 = parse_network(f"10.0.{octet}.0/21"), parse_network(f"2001:db8:0:{octet:x}::/64")
    tags = {"Name": f"{'nodes' if nic == 0 else 'pods'}-{ZONES[place][-1]}"}
    return Subnet(f"subnet-{place}-{nic}", "vpc-0123456789abcdef0", ZONES[place], ipv4, ipv6, tags=tags)
