"""What the API server's objects say of networks and of who owns a pool's fields."""

from typing import Any

import pytest

from spiderpool_aws.domain.cluster.multus import MultusConfig, SpiderMultusConfig, multus_patch
from spiderpool_aws.domain.cluster.pool import OWNED, SpiderIPPool
from spiderpool_aws.local.cluster.resources import RESOURCES
from tests.unit.adapters.pools import pool

KEPT = {"cniType", "ipvlan", "coordinator", "enableCoordinator", "disableIPAM", "chainCNIJsonData"}
"""What the type ipvlan has, and what every type may have beside it."""


def network(*masters: str) -> MultusConfig:
    metadata = {"name": "ipvlan-ens5", "namespace": "kube-system", "uid": "u"}
    spec = {"cniType": "ipvlan", "ipvlan": {"master": list(masters)}}
    return SpiderMultusConfig.model_validate({"metadata": metadata, "spec": spec}).to_config()


def entry(operation: str, *fields: str, manager: str = "spiderpool-aws") -> dict[str, Any]:
    owned: dict[str, Any] = {"f:spec": {f"f:{name}": {} for name in fields}}
    return {"manager": manager, "operation": operation, "fieldsV1": owned}


def taken(*entries: dict[str, Any]) -> frozenset[str]:
    identity = pool().identity
    assert identity is not None
    metadata = {"name": "p", "uid": "u", "labels": identity.to_labels(), "managedFields": list(entries)}
    spec = {"subnet": "10.0.0.0/24", "ips": ["10.0.0.11"]}
    return SpiderIPPool.model_validate({"metadata": metadata, "spec": spec}).to_pool().taken


def test_the_block_of_every_other_type_is_cleared() -> None:
    declared = RESOURCES["spidermultusconfigs"].schema.properties["spec"].properties
    patch = multus_patch(network("ens5"), "prod")["spec"]
    cleared = {name for name, value in patch.items() if value is None}
    assert cleared >= set(declared) - KEPT
    assert "macvlan" in cleared
    assert not cleared & KEPT


def test_a_network_of_two_nics_is_not_that_of_the_first() -> None:
    assert network("ens5").master == "ens5"
    assert network("ens5", "ens6").master != "ens5"
    assert network("ens5", "ens6") != network("ens5", "ens7")


@pytest.mark.parametrize("operation", ["Update", "Apply"])
def test_only_what_we_applied_ourselves_is_ours(operation: str) -> None:
    # A merge patch of ours leaves an entry of our name, too, which owns nothing against an apply.
    others = entry(operation, *OWNED, manager="spiderpool-aws" if operation == "Update" else "kubectl")
    assert taken(others, entry("Apply", *(OWNED - {"ips"}))) == {"ips"}
    assert taken(others) == frozenset()
