"""What we write is accepted by the CustomResourceDefinitions: the project's own, and those that Spiderpool ships."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.cluster.multus import MultusConfig, SpiderMultusConfig, multus_manifest
from spiderpool_aws.domain.cluster.pool import FIELD_MANAGER, Pool, SpiderIPPool, pool_manifest
from spiderpool_aws.domain.cluster.reservation import SpiderReservedIP, reservation_for, reservation_manifest
from spiderpool_aws.domain.memory import Absence, PoolMemory
from tests.e2e import api
from tests.e2e.apiserver import ApiServer
from tests.e2e.install import install_crds, own_crds
from tests.e2e.schemas import CUSTOM, crd
from tests.unit.adapters.pools import pool

UPSTREAM = Path(__file__).parents[3] / "shared" / "data" / "crds"
SEEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


V4, V6 = pool(), pool("n-ens5-v6-0000000a", family=IPFamily.IPV6)
MEMORY = PoolMemory(
    missing=((SEEN, AddressSet.parse(IPFamily.IPV4, ["10.0.0.12"])),), absent=Absence(SEEN, SEEN), node_uid="u"
)
POOLS = [
    pytest.param(V4, id="IPv4"),
    pytest.param(V6, id="IPv6"),
    pytest.param(replace(V4, spec=replace(V4.spec, ips=AddressSet.parse(IPFamily.IPV4, ()))), id="no address"),
    pytest.param(replace(V4, spec=replace(V4.spec, disable=True), memory=PoolMemory(disabled=True)), id="disabled"),
    pytest.param(replace(V4, memory=MEMORY), id="with memory"),
]


@pytest.fixture(scope="module", params=["own", "upstream"])
def admin(request: pytest.FixtureRequest, binary: Path) -> Iterator[api.Api]:
    """An API server of its own, without webhooks: the schemas alone judge."""
    manifests = own_crds()
    if request.param == "upstream":
        if not UPSTREAM.is_dir():
            pytest.skip("Spiderpool's own CRDs are not here: ../shared/data/crds")
        manifests = [yaml.safe_load(file.read_text()) for file in sorted(UPSTREAM.glob("*.yaml"))]
    server = ApiServer(binary)
    install_crds(server.admin, manifests)
    yield server.admin
    server.stop()


def apply(admin: api.Api, path: str, manifest: dict[str, Any]) -> dict[str, Any]:
    target = f"{path}/{manifest['metadata']['name']}"
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    return admin.expect("PATCH", target, manifest, api.APPLY, **query)


@pytest.mark.parametrize("written", POOLS)
def test_a_pool_is_accepted_and_read_back_as_it_was_written(admin: api.Api, written: Pool) -> None:
    stored = SpiderIPPool.model_validate(apply(admin, api.POOLS, pool_manifest(written))).to_pool()
    # A gateway that nobody sent is no field of ours; who owns what is compared in the tests of ownership.
    assert replace(stored, uid="", taken=frozenset()) == written
    admin.expect("DELETE", f"{api.POOLS}/{written.name}")


def test_a_multus_config_is_accepted_and_read_back_as_it_was_written(admin: api.Api) -> None:
    written = MultusConfig("kube-system", "ipvlan-ens5", "ens5")
    path = f"{api.SPIDERPOOL}/namespaces/kube-system/spidermultusconfigs"
    stored = SpiderMultusConfig.model_validate(apply(admin, path, multus_manifest(written, "prod"))).to_config()
    assert replace(stored, uid="") == written


@pytest.mark.parametrize("listed", [pytest.param(V4, id="IPv4"), pytest.param(V6, id="IPv6")])
def test_a_reservation_is_accepted_and_read_back_as_it_was_written(admin: api.Api, listed: Pool) -> None:
    path = f"{api.SPIDERPOOL}/spiderreservedips"
    if admin.request("GET", path).status == 404:
        pytest.skip("Spiderpool's own CRD of SpiderReservedIP is not among ../shared/data/crds")
    written = reservation_for(listed, listed.spec.ips)
    stored = SpiderReservedIP.model_validate(apply(admin, path, reservation_manifest(written))).to_reservation()
    assert stored is not None
    assert replace(stored, uid="") == written


def test_a_field_that_no_crd_declares_is_refused(admin: api.Api) -> None:
    manifest = pool_manifest(V4)
    manifest["spec"]["nodeNames"] = ["n"]
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    answer = admin.request("PATCH", f"{api.POOLS}/{V4.name}", manifest, api.APPLY, **query)
    assert (answer.status, "field not declared in schema" in answer.body["message"]) == (500, True)


@pytest.mark.parametrize("resource", [pytest.param(one, id=one.plural) for one in CUSTOM])
def test_our_manifests_and_the_double_have_the_same_schemas(resource: Any) -> None:
    assert crd(resource) in own_crds()
