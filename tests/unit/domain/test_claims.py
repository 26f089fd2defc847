"""The index of who lists what, against the plain answer; and pools as the API server has them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.multus import SpiderMultusConfig, multus_manifest
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity, PoolSpec, SpiderIPPool, pool_manifest
from tests.unit.build import V4, v4


def pool(name: str, *ranges: str, excluded: AddressSet = EMPTY[V4]) -> Pool:
    spec = PoolSpec("10.0.0.0/24", v4(*ranges), None, ("n",), ("a/b",), default=True)
    return Pool(name, None, spec, allocated=EMPTY[V4], excluded=excluded)


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=4)


@given(st.lists(SPANS, max_size=8), SPANS)
def test_the_index_finds_what_a_look_at_every_pool_finds(lists: list[list[tuple[int, int]]], asked: Any) -> None:
    def ranges(spans: list[tuple[int, int]]) -> list[str]:
        return [f"10.0.0.{first}-10.0.0.{first + length}" for first, length in spans]

    pools = [pool(f"pool-{index}", *ranges(spans)) for index, spans in enumerate(lists)]
    addresses = v4(*ranges(asked))
    found = Claims(pools).listed(addresses, except_pool="pool-0")
    plain = {p.name: p.spec.ips & addresses for p in pools if p.name != "pool-0" and p.spec.ips & addresses}
    assert {name: both for name, (_, both) in found.items()} == plain


def test_an_excluded_address_is_claimed_by_nobody() -> None:
    claims = Claims([pool("other", "10.0.0.20-10.0.0.22", excluded=v4("10.0.0.21"))])
    assert claims.listed(v4("10.0.0.21")) == {}
    assert list(claims.listed(v4("10.0.0.22"))) == ["other"]


WIRE = {
    "apiVersion": "spiderpool.spidernet.io/v2beta1",
    "kind": "SpiderIPPool",
    "metadata": {
        "name": "p",
        "uid": "u",
        "labels": PoolIdentity("prod", "i-1", "eni-1", "eni-attach-1", V4).to_labels() | {"x": "y"},
        "annotations": {"spiderpool-aws/state": '{"nodeUid":"n"}'},
        "managedFields": [],
    },
    "spec": {
        "ipVersion": 4,
        "subnet": "10.0.0.0/24",
        "ips": ["10.0.0.20-10.0.0.22"],
        "excludeIPs": ["10.0.0.21"],
        "default": True,
        "disable": False,
        "gateway": "10.0.0.1",
        "nodeName": ["n"],
        "multusName": ["a/b"],
        "namespaceAffinity": {"matchLabels": {"a": "b"}},
    },
    "status": {"allocatedIPs": '{"10.0.0.20": {"pod": "default/web", "podUid": "1"}}', "totalIPCount": 3},
}


def test_a_pool_is_read_with_its_identity_memory_and_users() -> None:
    read = SpiderIPPool.model_validate(WIRE).to_pool()
    assert read.identity == PoolIdentity("prod", "i-1", "eni-1", "eni-attach-1", V4)
    assert (read.allocated, read.users) == (v4("10.0.0.20"), {"10.0.0.20": "default/web"})
    assert (read.memory.node_uid, read.excluded, read.terminating) == ("n", v4("10.0.0.21"), False)


def test_what_is_written_names_only_the_fields_that_we_own() -> None:
    manifest = pool_manifest(SpiderIPPool.model_validate(WIRE).to_pool())
    assert set(manifest["spec"]) == {"ipVersion", "subnet", "ips", "nodeName", "multusName", "default", "gateway"}
    assert manifest["metadata"]["uid"] == "u"
    assert set(manifest["metadata"]["labels"]) == set(PoolIdentity("", "", "", "", V4).to_labels())


def test_a_pool_that_lacks_one_of_our_labels_is_not_ours_and_cannot_be_written() -> None:
    for label in PoolIdentity("", "", "", "", V4).to_labels():
        wire = json.loads(json.dumps(WIRE))
        del wire["metadata"]["labels"][label]
        stranger = SpiderIPPool.model_validate(wire).to_pool()
        assert stranger.identity is None
        with pytest.raises(ValueError, match="not ours"):
            pool_manifest(stranger)


def test_ipv6_is_told_by_the_subnet_when_no_version_is_given() -> None:
    wire = {"metadata": {"name": "p"}, "spec": {"subnet": "2001:db8::/64", "ips": ["2001:db8::a"]}}
    assert SpiderIPPool.model_validate(wire).to_pool().family is IPFamily.IPV6


def test_a_multus_config_is_ours_by_its_label_and_keeps_its_master() -> None:
    metadata = {"name": "ipvlan-ens5", "namespace": "kube-system"}
    wire = {"metadata": metadata, "spec": {"cniType": "ipvlan", "ipvlan": {"master": ["ens5"]}}}
    config = SpiderMultusConfig.model_validate(wire).to_config()
    assert (config.key, config.master, config.ours) == ("kube-system/ipvlan-ens5", "ens5", False)
    written = multus_manifest(config, "prod")
    assert SpiderMultusConfig.model_validate(written).to_config().ours
    other = {"metadata": metadata, "spec": {"cniType": "macvlan", "macvlan": {"master": ["ens5"]}}}
    assert SpiderMultusConfig.model_validate(other).to_config().master == ""


def test_no_domain_module_reads_a_clock() -> None:
    import spiderpool_aws.domain as domain

    for module in Path(domain.__path__[0]).glob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert "datetime.now" not in text, module.name
