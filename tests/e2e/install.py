"""What has to be on an API server before the tests: the CustomResourceDefinitions, and the product's rights."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import yaml

from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.manifests.rbac import roles_and_bindings
from tests.e2e import api
from tests.e2e.apiserver import PRODUCT

MANIFESTS = Path(__file__).parent / "crds"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Installation:
    """What was put onto a server. CRDs that are there stay as they are; `remove` takes away what came from here.

    What fails half-way takes away what it has put there.
    """

    def __init__(self, admin: api.Api) -> None:
        with ExitStack() as undo:
            missing = [crd for crd in own_crds() if admin.request("GET", path_of(CRDS, crd)).status == 404]
            for crd in missing:
                undo.callback(admin.request, "DELETE", path_of(CRDS, crd))
            install_crds(admin, missing)
            for collection, manifest in rights_of([PRODUCT]):
                undo.callback(admin.request, "DELETE", path_of(collection, manifest))
                admin.apply(collection, manifest)
            self._undo = undo.pop_all()

    def remove(self) -> None:
        """Take away what was not there before."""
        self._undo.close()


def install_crds(admin: api.Api, manifests: Iterable[Json]) -> None:
    """Apply CustomResourceDefinitions and wait until they are served."""
    names = [admin.apply(CRDS, manifest)["metadata"]["name"] for manifest in manifests]

    def are_served() -> bool:
        for name in names:
            spec = admin.expect("GET", f"{CRDS}/{name}")["spec"]
            version = spec["versions"][0]["name"]
            if admin.request("GET", f"/apis/{spec['group']}/{version}/{spec['names']['plural']}").status != 200:
                return False
        return True

    api.wait_until("the CRDs are served", are_served)


def own_crds() -> list[Json]:
    """Return the project's own CustomResourceDefinitions."""
    return [yaml.safe_load(file.read_text()) for file in sorted(MANIFESTS.glob("*.yaml"))]


def path_of(collection: str, manifest: Json) -> str:
    """Return the path of an object of a collection."""
    return f"{collection}/{manifest['metadata']['name']}"


def rights_of(users: Sequence[str]) -> list[tuple[str, Json]]:
    """Return what `spiderpool-aws manifests rbac` prints for users, each after the path of its collection."""
    return [(_collection(manifest), manifest) for manifest in roles_and_bindings(users)]


def _collection(manifest: Json) -> str:
    namespace = manifest["metadata"].get("namespace")
    return f"{api.RBAC}{f'/namespaces/{namespace}' if namespace else ''}/{manifest['kind'].lower()}s"
