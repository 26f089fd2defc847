"""The policy file and its errors."""

from typing import Any

import pytest
import yaml

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.policy.model import Elastic, Policy, parse_policy
from tests.unit import build

EXAMPLE = """
version: 1
mode: apply
cluster: prod
nodeName: discover
groups:
  - name: workers
    match: {tags: {role: worker}, instanceTypes: ["m7i.*", "c7g.*"]}
    interfaces:
      - deviceIndex: 0
        host: ens5
        multus: kube-system/ipvlan-ens5
        ipv4: {addresses: 5}
        ipv6: {prefixes: 1, perPrefix: 16}
      - deviceIndex: 1
        host: ens6
        multus: kube-system/ipvlan-ens6
        subnets: {tags: {spiderpool-aws/role: secondary-nic}, reserve: 8}
        securityGroups: [sg-0123456789abcdef0]
        ipv4: {addresses: {min: 2, warm: 4, max: 14}}
        ipv6: {prefixes: 1, perPrefix: 16}
pools: {default: true, ipv6Gateway: first}
nodes:
  {setProviderID: true, deleteTerminated: true, deletePodsOfTerminated: true, startupTaint: spiderpool-aws/not-ready}
"""


def changed(path: str, value: Any) -> str:
    """Return the example with one value replaced, added, or (None) removed."""
    document: Any = yaml.safe_load(EXAMPLE)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    target = document
    for part in parents:
        target = target[part]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return yaml.safe_dump(document)


def test_the_designs_own_policy_is_read_as_it_says() -> None:
    policy = parse_policy(EXAMPLE)
    first, second = policy.groups[0].interfaces
    assert (policy.mode, policy.cluster, policy.node_name) == ("apply", "prod", "discover")
    assert (first.host, first.ipv4.addresses, first.size(IPFamily.IPV6)) == ("ens5", 5, first.ipv6)
    assert second.ipv4.addresses == Elastic(min=2, warm=4, max=14)
    assert second.subnets.reserve == 8
    assert policy.nodes.startup_taint == "spiderpool-aws/not-ready"


NIC0, NIC1 = "groups/0/interfaces/0", "groups/0/interfaces/1"


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        pytest.param("grups", [], "grups: unknown key, did you mean 'groups'?", id="a misspelt key at the top"),
        pytest.param(
            f"{NIC0}/ipv4/adresses", 3, "groups.0.interfaces.0.ipv4.adresses: unknown key, did you mean 'addresses'?",
            id="a misspelt key deep inside",
        ),
        pytest.param(f"{NIC0}/zzz", 1, "groups.0.interfaces.0.zzz: unknown key: remove it", id="a key like no other"),
        pytest.param("cluster", None, "cluster: missing, add it", id="no cluster"),
        pytest.param("version", 2, "version: write `version: 1`, not 2", id="a version of the future"),
        pytest.param("mode", "aply", "mode: Input should be 'observe', 'apply' or 'paused', not 'aply'", id="a mode"),
        pytest.param(f"{NIC1}/deviceIndex", 0, "two interfaces have deviceIndex 0", id="overlapping device indexes"),
        pytest.param(f"{NIC1}/host", "ens5", "two interfaces have host 'ens5'", id="overlapping host NICs"),
        pytest.param(f"{NIC1}/multus", "kube-system/ipvlan-ens5", "two interfaces have multus", id="one network twice"),
        pytest.param(f"{NIC1}/ipv6", None, "give it to all interfaces or to none", id="IPv6 on some interfaces only"),
        pytest.param(f"{NIC0}/ipv4", {}, "either addresses or prefixes", id="neither addresses nor prefixes"),
        pytest.param(f"{NIC0}/ipv4", {"addresses": 1, "prefixes": 1}, "either addresses or prefixes", id="both"),
        pytest.param(
            f"{NIC0}/ipv4", {"addresses": 0}, "give a whole number from 1, `max`, or `{min, warm, max}`, not 0",
            id="no address at all",
        ),
        pytest.param(
            f"{NIC1}/ipv4", {"addresses": {"min": 9, "warm": 1, "max": 3}}, "min 9 is above max 3", id="min above max"
        ),
        pytest.param(f"{NIC0}/multus", "ipvlan-ens5", "multus: write `namespace/name`", id="multus without namespace"),
        pytest.param(f"{NIC0}/host", "Ens 5", "groups.0.interfaces.0.host: ", id="no name of a NIC"),
        pytest.param("nodeName", "hostname", "nodeName: ", id="an unknown strategy"),
        pytest.param("groups", [], "groups: give at least one", id="no group"),
        pytest.param("int", 3, "int: unknown key", id="a key with the name of a type"),
        pytest.param("version", True, "version: write `version: 1`, not True", id="true for the version"),
        pytest.param(f"{NIC0}/ipv4", {"addresses": True}, "or `{min, warm, max}`, not True", id="true for a number"),
        pytest.param(f"{NIC0}/ipv4", {"addresses": 99999}, "give a whole number from 1", id="more than a subnet has"),
        pytest.param(f"{NIC0}/ipv4", {"addresses": "most"}, "or `{min, warm, max}`, not 'most'", id="another word"),
        pytest.param(
            f"{NIC1}/ipv4", {"addresses": {"min": 1, "warm": 4, "max": 3}}, "warm 4 is above max 3", id="warm above max"
        ),
        pytest.param(
            f"{NIC1}/ipv4", {"addresses": {"min": 1, "warm": "x", "max": 3}},
            "groups.0.interfaces.1.ipv4.addresses.warm: give a whole number, not 'x'", id="a word inside of an elastic",
        ),
        pytest.param(f"{NIC0}/ipv4", {"prefixes": 1, "perPrefix": 3}, "perPrefix is for ipv6 only", id="part of a /28"),
        pytest.param(f"{NIC0}/ipv6", {"addresses": 1, "perPrefix": 3}, "perPrefix goes with prefixes", id="no prefix"),
        pytest.param(f"{NIC0}/deviceIndex", 16, "less than or equal to 15, not 16", id="a NIC that no type has"),
        pytest.param(
            f"{NIC1}/subnets", {"ids": ["vpc-1"]}, "interfaces.1.subnets.ids.0: write a subnet id", id="no subnet"
        ),
        pytest.param(
            f"{NIC1}/securityGroups", ["web"], "securityGroups.0: write a security group's id (`sg-", id="no group id"
        ),
        pytest.param(
            "nodes/startupTaint", "a/not-ready:NoSchedule", "nodes.startupTaint: give the key only, without `:effect`",
            id="a taint with its effect",
        ),
        pytest.param(
            f"{NIC0}/ipv6", {"prefixes": 1, "perPrefix": 4097}, "less than or equal to 4096", id="too much of a prefix"
        ),
        pytest.param("nodes/startupTaint", "not ready", "nodes.startupTaint: give the key", id="no key of a taint"),
        pytest.param("pools/default", "maybe", "pools.default: give true or false, not 'maybe'", id="no truth value"),
        pytest.param("pools", [], "pools: give a mapping", id="a list for a mapping"),
        pytest.param("groups/0/match/tags", ["role=worker"], "give a mapping (`{role: worker}`)", id="a list of tags"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_with_its_path_and_the_fix(path: str, value: Any, line: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(changed(path, value))
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(f"{NIC0}/ipv4/addresses", 0, id="an amount that is neither a number, max, nor elastic"),
        pytest.param(f"{NIC0}/host", "Ens 5", id="an item of a list with a least length"),
        pytest.param(f"{NIC0}/multus", None, id="an item that lacks a key"),
    ],
)
def test_one_mistake_is_one_line(path: str, value: Any) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(changed(path, value))
    assert len(str(caught.value).splitlines()) == 1


def test_every_problem_has_its_line() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(changed("mode", "off").replace("version: 1", "version: 9"))
    assert len(str(caught.value).splitlines()) == 2


def test_one_network_on_two_host_nics_is_refused_across_groups() -> None:
    document = yaml.safe_load(EXAMPLE)
    other = {**document["groups"][0], "name": "others"}
    other["interfaces"] = [{**other["interfaces"][0], "host": "enp39s0"}]
    document["groups"].append(other)
    with pytest.raises(PolicyError, match="a network has one host NIC"):
        parse_policy(yaml.safe_dump(document))


def test_two_groups_of_one_name_are_refused() -> None:
    document = yaml.safe_load(EXAMPLE)
    document["groups"] *= 2
    with pytest.raises(PolicyError, match="two groups have the same name"):
        parse_policy(yaml.safe_dump(document))


@pytest.mark.parametrize(
    "taint",
    ["node.kubernetes.io/unschedulable", "kubernetes.io/x", "node-role.kubernetes.io/control-plane", "a.k8s.io/x"],
)
def test_a_taint_of_kubernetes_own_is_refused(taint: str) -> None:
    document = yaml.safe_load(EXAMPLE) | {"nodes": {"startupTaint": taint}}
    said = f"nodes.startupTaint: this namespace is Kubernetes' own: take another one .*, not '{taint}'"
    with pytest.raises(PolicyError, match=said):
        parse_policy(yaml.safe_dump(document))


@pytest.mark.parametrize(
    "taint", ["not-ready", "spiderpool-aws/not-ready", "notkubernetes.io/x", "kubernetes.io", None]
)
def test_a_startup_taint_is_the_key_of_a_label_or_none(taint: str | None) -> None:
    document = yaml.safe_load(EXAMPLE) | {"nodes": {"startupTaint": taint}}
    assert parse_policy(yaml.safe_dump(document)).nodes.startup_taint == taint


def test_the_first_group_that_matches_wins_and_none_leaves_the_instance_alone() -> None:
    policy = parse_policy(EXAMPLE)
    worker = build.instance(instance_type="m7i.large", tags={"role": "worker"})
    assert policy.group_of(worker) is policy.groups[0]
    assert policy.group_of(build.instance(instance_type="m5.large", tags={"role": "worker"})) is None
    assert policy.group_of(build.instance(instance_type="m7i.large", tags={})) is None
    everything = Policy.model_validate(
        {**yaml.safe_load(EXAMPLE), "groups": [{**yaml.safe_load(EXAMPLE)["groups"][0], "match": {}}]}
    )
    assert everything.group_of(build.instance(tags={})) is everything.groups[0]
