"""Contexts and policies as a user gives them. Nothing here needs CDK.

lines = problems(file, policy_text(interface(0)), instanceTypes="t3.nano")
"""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from spiderpool_aws.local.cluster.certificates import make_server_context
from stacks.context.deployment import ContextError, Deployment, read

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
POLICY = (ROOT / "policy.yaml").read_text(encoding="utf-8")
"""The policy that the project brings, of the cluster `demo`."""
NO_IPV6 = POLICY.replace("        ipv6: {addresses: 5}\n", "")
PREFIXES = POLICY.replace("{addresses: 5}", "{prefixes: 1}")

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"


def interface(index: int, ipv4: object = None, ipv6: object = None, **more: object) -> Json:
    """Return one NIC of a policy: five IPv4 addresses, no IPv6."""
    host = f"ens{5 + index}"
    nic = {"deviceIndex": index, "host": host, "multus": f"kube-system/ipvlan-{host}", "ipv4": ipv4 or {"addresses": 5}}
    return nic | ({"ipv6": ipv6} if ipv6 else {}) | more


def policy_text(*interfaces: Json, match: Json | None = None, **more: object) -> str:
    """Return a policy of the cluster `prod` with one group: nodes with the tag role=worker."""
    group = {"name": "workers", "match": match or {"tags": {"role": "worker"}}, "interfaces": list(interfaces)}
    return json.dumps({"version": 1, "cluster": "prod", "groups": [group]} | more)


def alone(**more: Any) -> Json:
    """Return the context of a reconciler beside a VPC that exists."""
    return {
        "vpcId": "vpc-0123456789abcdef0",
        "subnetIds": "subnet-0a,subnet-0b",
        "subnetZones": "eu-west-1a,eu-west-1b",
        "apiServerCidr": "10.1.0.0/16",
    } | more


def login(name: str) -> Json:
    """Return what the context of a login needs."""
    where = {"clusterEndpoint": "https://api.example.org:6443", "clusterCa": authority()}
    needs: dict[str, Json] = {
        "kubeconfig": {},
        "web-identity": where | {"clusterAudience": "demo.example.org"},
        "iam-authenticator": where | {"clusterId": "demo"},
    }
    return {"clusterLogin": name} | needs[name]


def modes() -> dict[str, Json]:
    """Return the contexts that together use every part of the stacks."""
    return {
        "full": {"trail": True, "alarmTopicArn": TOPIC, "vpcEndpoints": True},
        "alone": alone(trail=True, alarmTopicArn=TOPIC, vpcEndpoints=True),
        "without ipv6": {"ipv6": False, "natGateways": "per-az", "instanceTypes": "m7g.large,m6g.large"},
        "web-identity": alone(**login("web-identity"), vpcEndpoints=True),
        "iam-authenticator": alone(**login("iam-authenticator"), ipv6=False),
    }


def deployment(file: Path, policy: str = POLICY, /, **context: object) -> Deployment:
    """Return the deployment of a context whose policy is written to the file."""
    file.write_text(policy, encoding="utf-8")
    return read({**context, "policyFile": str(file)})


def problems(file: Path, policy: str = POLICY, /, **context: object) -> list[str]:
    """Return the lines that a context is refused with."""
    with pytest.raises(ContextError) as raised:
        deployment(file, policy, **context)
    return str(raised.value).splitlines()


@cache
def authority() -> str:
    """Return the PEM of some certificate authority."""
    with TemporaryDirectory() as folder:
        return make_server_context(Path(folder))[1].read_text()
