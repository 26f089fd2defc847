"""What `verify` tries: which pods it needs, who is to reach whom, and what the answers mean. Pure.

A server pod for each node and network that is looked at, and a probe pod beside it; a probe on each host. A probe runs
one shell script and leaves a line for each check in its termination message (Kubernetes, "Determine the Reason for Pod
Failure": at most 4,096 bytes), so nothing has to be entered or read by exec.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from spiderpool_aws.domain.addresses import AddressSet, IPFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spiderpool_aws.domain.cluster.node import Node
    from spiderpool_aws.domain.cluster.pool import Pool
    from spiderpool_aws.domain.policy.model import Policy

PORT = 8080
SECONDS = 5
"""How long a check may take."""
LOG = "/dev/termination-log"
_LINE = re.compile(r"(\d+) (ok|failed)")
_ADDRESS = re.compile(r"addr (\S+) ([0-9a-f.:]+)/\d+")


class Kind(StrEnum):
    """What a check is about, as the guide names its tests."""

    POD_HOST = "pod -> host"
    HOST_POD = "host -> pod"
    POD_POD = "pod -> pod"
    CLUSTER_IP = "pod -> ClusterIP"
    EGRESS = "egress"
    HOST_ADDRESS = "addresses of the host"
    STARTED = "pod starts"


@dataclass(frozen=True, slots=True)
class Spot:
    """A node and one of its networks: pods there get addresses of one NIC."""

    node: str
    network: str
    """The SpiderMultusConfig, `namespace/name`."""
    subnets: frozenset[str]

    def __str__(self) -> str:
        return f"{self.node} {self.network.rpartition('/')[2]}"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to try, as a command in a pod."""

    kind: Kind
    source: str
    target: str
    command: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a check."""

    kind: Kind
    source: str
    target: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What is looked at, and what is known of it."""

    spots: tuple[Spot, ...]
    hosts: Mapping[str, tuple[str, ...]]
    """Node -> its own addresses."""
    offered: Mapping[str, tuple[AddressSet, ...]]
    """Node -> what its pools list."""
    nics: tuple[str, ...]
    """The hosts' names of the NICs."""


def site_of(pools: Iterable[Pool], nodes: Iterable[Node], policy: Policy, limit: int) -> Site:
    """Return what to look at: at most so many nodes, first those that bring a subnet that no other has."""
    known = {node.name: node for node in nodes}
    live = [pool for pool in pools if not pool.terminating and not pool.spec.disable]
    subnets: dict[tuple[str, str], set[str]] = {}
    offered: dict[str, list[AddressSet]] = {}
    for pool in live:
        for name in (name for name in pool.spec.node_name if name in known):
            offered.setdefault(name, []).append(pool.spec.ips)
            for network in pool.spec.multus_name if pool.spec.ips - pool.allocated else ():
                subnets.setdefault((name, network), set()).add(pool.spec.subnet)
    spots = [Spot(name, network, frozenset(of)) for (name, network), of in sorted(subnets.items())]
    chosen = _chosen(spots, limit)
    names = {nic.host for group in policy.groups for nic in group.interfaces}
    return Site(
        tuple(spot for spot in spots if spot.node in chosen),
        {name: known[name].internal_ips for name in chosen},
        {name: tuple(offered[name]) for name in chosen},
        tuple(sorted(names)),
    )


def _chosen(spots: Sequence[Spot], limit: int) -> list[str]:
    """Return nodes, those that add most subnets first: tests across subnets say more than many within one."""
    by_node: dict[str, frozenset[str]] = {}
    for spot in spots:
        by_node[spot.node] = by_node.get(spot.node, frozenset()) | spot.subnets
    chosen: list[str] = []
    seen: frozenset[str] = frozenset()
    while by_node and len(chosen) < limit:
        best = max(sorted(by_node), key=lambda name: len(by_node[name] - seen))
        seen |= by_node.pop(best)
        chosen.append(best)
    return chosen


def pod_checks(spot: Spot, site: Site, servers: Mapping[Spot, Sequence[str]], service: str, egress: str) -> list[Check]:
    """Return what a pod at a spot tries. `service` is a ClusterIP; empty, as `egress` may be: it is left out."""
    source = f"pod {spot}"
    checks = [Check(Kind.POD_HOST, source, f"{spot.node} {ip}", _ping(ip)) for ip in site.hosts[spot.node]]
    checks += [
        Check(Kind.POD_POD, source, f"pod {other} {ip}", _get(ip, PORT))
        for other, addresses in servers.items()
        if other != spot
        for ip in addresses
    ]
    if service:
        checks.append(Check(Kind.CLUSTER_IP, source, service, _get(service, 80)))
    if egress:
        checks.append(Check(Kind.EGRESS, source, egress, f"wget -q -T {SECONDS} -O /dev/null {shlex.quote(egress)}"))
    return checks


def host_checks(node: str, servers: Mapping[Spot, Sequence[str]]) -> list[Check]:
    """Return what a host tries: the pods that run on it."""
    return [
        Check(Kind.HOST_POD, f"host {node}", f"pod {spot} {ip}", _get(ip, PORT))
        for spot, addresses in servers.items()
        if spot.node == node
        for ip in addresses
    ]


def script(checks: Sequence[Check], nics: Sequence[str] = ()) -> str:
    """Return what a probe runs: all checks at once, each twice at most, then a look at the host's NICs."""
    lines = [
        't() { n=$1; shift; if "$@" || { sleep 2; "$@"; }; then r=ok; else r=failed; fi >/dev/null 2>&1',
        f'  echo "$n $r" >> {LOG}; }}',
    ]
    lines += [f"t {number} {check.command} &" for number, check in enumerate(checks)]
    show = "ip -o addr show dev {nic} 2>/dev/null | awk '{{print \"addr\", $2, $4}}' >> {log}"
    lines += ["wait", *(show.format(nic=nic, log=LOG) for nic in nics)]
    return "\n".join([*lines, "exit 0"])


def verdicts(checks: Sequence[Check], message: str) -> list[Verdict]:
    """Return what a probe found; a check of which it says nothing has failed."""
    said = {int(number): word for number, word in _LINE.findall(message)}
    found = []
    for number, check in enumerate(checks):
        word = said.get(number, "the probe said nothing of it")
        detail = "" if word in ("ok", "failed") else word
        found.append(Verdict(check.kind, check.source, check.target, word == "ok", detail))
    return found


def host_address_verdict(node: str, message: str, offered: Sequence[AddressSet]) -> Verdict:
    """Return whether a host leaves the pods' addresses alone: what it holds itself, it answers instead of the pod."""
    held = [
        f"{ip} on {nic}"
        for nic, ip in _ADDRESS.findall(message)
        if any(_family(ip) is ips.family and ip in ips for ips in offered)
    ]
    what = "the host holds what a pool lists: " + ", ".join(held) if held else ""
    if not _ADDRESS.search(message):
        what = "the probe saw no address"
    remedy = (
        "; have cloud-init and amazon-ec2-net-utils leave secondary addresses alone (docs/nodes.md)" if held else ""
    )
    return Verdict(Kind.HOST_ADDRESS, f"host {node}", "NICs", not what, f"{what}{remedy}")


def _family(ip: str) -> IPFamily:
    return IPFamily.IPV6 if ":" in ip else IPFamily.IPV4


def _ping(ip: str) -> str:
    return f"ping -c 1 -W {SECONDS} {ip}"


def _get(ip: str, port: int) -> str:
    host = f"[{ip}]" if ":" in ip else ip
    return f"wget -q -T {SECONDS} -O /dev/null http://{host}:{port}/"
