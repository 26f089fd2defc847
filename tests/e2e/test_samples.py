"""The samples, as the real API server judges them: each object is created as a dry run, unknown fields refused."""

from pathlib import Path

import pytest
import yaml

from spiderpool_aws.local.cluster.answers import Json
from tests.e2e.real_world import RealWorld

SAMPLES = Path(__file__).parents[2] / "samples"
COLLECTIONS = {
    "Deployment": "/apis/apps/v1/namespaces/default/deployments",
    "Service": "/api/v1/namespaces/default/services",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
}
OBJECTS = [
    pytest.param(document, id=f"{file.name} {document['kind']}")
    for file in sorted(SAMPLES.glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("document", OBJECTS)
def test_a_sample_is_taken_as_it_is_with_no_field_unknown(world: RealWorld, document: Json) -> None:
    path = COLLECTIONS[document["kind"]]
    stored = world.admin.expect("POST", path, document, dryRun="All", fieldValidation="Strict")
    assert stored["spec"]


def test_a_field_that_is_not_there_would_be_refused(world: RealWorld) -> None:
    [service] = [param.values[0] for param in OBJECTS if param.id == "nlb.yaml Service"]
    assert isinstance(service, dict)
    wrong = {**service, "spec": {**service["spec"], "loadBalancerSourceRange": ["192.0.2.0/24"]}}
    answer = world.admin.request("POST", COLLECTIONS["Service"], wrong, dryRun="All", fieldValidation="Strict")
    assert (answer.status, "loadBalancerSourceRange" in answer.body["message"]) == (400, True)
