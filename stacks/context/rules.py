"""What the keys of a context ask of each other. Each rule yields a key and what is wrong with it."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import urlsplit

from spiderpool_aws.settings import rate_problems
from stacks.context.model import FIELDS, Context

Problem = tuple[str, str]

OF_NETWORK = ("vpcCidr", "availabilityZones", "zoneNames", "natGateways", "ipv6Route", "flowLogs")
OF_NODES = (
    "instanceTypes",
    "nodesPerZone",
    "maxNodesPerZone",
    "imageParameter",
    "templateNics",
    "joinParameter",
    "sshKeyName",
    "sshCidr",
)
LOGINS = {
    "kubeconfig": (),
    "web-identity": ("clusterEndpoint", "clusterCa", "clusterAudience"),
    "iam-authenticator": ("clusterEndpoint", "clusterCa", "clusterId"),
}
"""login -> the keys that it needs."""
OPTIONAL = {"kubeconfig": ("kubeconfigSecretArn",)}
"""login -> the keys that it may have."""


WIDEST_SSH = {4: 8, 6: 32}
"""IP version -> the shortest prefix that SSH may come from: what the registries give to one network at most."""
REGION = re.compile(r"[a-z-]+-\d+")
"""What the name of an availability zone begins with; of a local zone, too."""


def problems(context: Context) -> Iterator[Problem]:
    """Yield what is wrong with the keys of a context that are each right."""
    yield from _placement(context)
    yield from _network(context)
    yield from _nodes(context)
    yield from _api_server(context)
    yield from _login(context)
    yield from (("ec2Buckets", problem) for problem in rate_problems(context.ec2_buckets))
    for key in ("zoneNames", "subnetZones"):
        yield from _one_region(key, context.value(key))


def _one_region(key: str, zones: object) -> Iterator[Problem]:
    regions = sorted({found[0] for found in map(REGION.match, zones) if found}) if isinstance(zones, tuple) else []
    if len(regions) > 1:
        yield key, f"they are of {' and '.join(regions)}: give zones of one region"


def _placement(context: Context) -> Iterator[Problem]:
    if not context.alone:
        for key in ("subnetIds", "subnetZones"):
            if context.value(key):
                yield key, "it goes with vpcId, a VPC that exists: give vpcId, too, or remove it"
        return
    for key in sorted(context.given & {*OF_NETWORK, *OF_NODES}, key=list(FIELDS).index):
        what = "network" if key in OF_NETWORK else "nodes"
        yield key, f"with vpcId only the reconciler is deployed, no {what}: remove it, or remove vpcId"
    for key, what in (("subnetIds", "private subnets of that VPC"), ("subnetZones", "availability zones of subnetIds")):
        if not context.value(key):
            yield key, f"vpcId needs it: give the {what}"
    ids, zones = len(context.subnet_ids), len(context.subnet_zones)
    if ids and zones and ids != zones:
        yield (
            "subnetZones",
            f"there are {ids} subnetIds and {zones} zones: give the zone of each subnet, in their order",
        )
    if not (context.api_server_security_group or context.api_server_cidr):
        yield "vpcId", "the API server is not in a group of ours: give apiServerSecurityGroup or apiServerCidr"


def _network(context: Context) -> Iterator[Problem]:
    if not context.ipv6 and "ipv6Route" in context.given:
        yield "ipv6Route", "there is no IPv6 with ipv6: false: remove one of the two"
    names = len(context.zone_names)
    if names and names != context.availability_zones:
        yield (
            "zoneNames",
            f"it has {names} names, and availabilityZones is {context.availability_zones}: make them equal",
        )


def _nodes(context: Context) -> Iterator[Problem]:
    if context.nodes_per_zone > context.max_nodes_per_zone:
        most = context.max_nodes_per_zone
        yield "nodesPerZone", f"{context.nodes_per_zone} is above maxNodesPerZone {most}: lower it, or raise that"
    if bool(context.ssh_key_name) != bool(context.ssh_cidr):
        has, lacks = ("sshKeyName", "sshCidr") if context.ssh_key_name else ("sshCidr", "sshKeyName")
        yield has, f"SSH needs a key and a CIDR: give {lacks}, too, or remove it (Session Manager needs neither)"
    if context.ssh_cidr:
        network = ip_network(context.ssh_cidr)
        if network.prefixlen < WIDEST_SSH[network.version]:
            yield "sshCidr", f"{network} is too much of the internet: give the CIDR that you come from"


def _api_server(context: Context) -> Iterator[Problem]:
    if context.api_server_security_group and context.api_server_cidr:
        yield "apiServerCidr", "apiServerSecurityGroup is given, too: remove one of the two"
    port = endpoint_port(context)
    if port not in (None, context.api_server_port):
        yield "apiServerPort", f"it is {context.api_server_port}, and clusterEndpoint's is {port}: make them equal"


def _login(context: Context) -> Iterator[Problem]:
    login = context.cluster_login
    for key in LOGINS[login]:
        if not context.value(key):
            yield key, f"clusterLogin {login} needs it: give {Context.model_fields[FIELDS[key]].description}"
    ours = {*LOGINS[login], *OPTIONAL.get(login, ())}
    for other in LOGINS:
        for key in (*LOGINS[other], *OPTIONAL.get(other, ())):
            if context.value(key) and key not in ours:
                ours.add(key)  # One line is enough for a key that two other logins have.
                yield key, f"clusterLogin {login} does not use it: remove it, or set clusterLogin to {other}"


def endpoint_port(context: Context) -> int | None:
    """Return the port of the API server's URL; None without a URL."""
    return (urlsplit(context.cluster_endpoint).port or 443) if context.cluster_endpoint else None
