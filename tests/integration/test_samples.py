"""The samples on the cluster that policy.yaml makes: their networks are there, their pods get addresses of that NIC."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, launch
from spiderpool_aws.local.kubelet import Kubelets
from spiderpool_aws.local.stack import LocalStack

ROOT = Path(__file__).parents[2]
FAMILIES = {4: IPFamily.IPV4, 6: IPFamily.IPV6}
NETWORK = "v1.multus-cni.io/default-network"
SERVICE, INGRESS = "service.beta.kubernetes.io/", "alb.ingress.kubernetes.io/"
ANNOTATIONS = {
    f"{SERVICE}aws-load-balancer-nlb-target-type": {"ip", "instance"},
    f"{SERVICE}aws-load-balancer-scheme": {"internal", "internet-facing"},
    f"{SERVICE}aws-load-balancer-ip-address-type": {"ipv4", "dualstack"},
    f"{SERVICE}aws-load-balancer-target-group-attributes": {"preserve_client_ip.enabled=true"},
    f"{INGRESS}target-type": {"ip", "instance"},
    f"{INGRESS}scheme": {"internal", "internet-facing"},
    f"{INGRESS}inbound-cidrs": {"192.0.2.0/24, 198.51.100.0/24"},
}
"""What AWS Load Balancer Controller documents: docs/guide/service/annotations.md, docs/guide/ingress/annotations.md."""
OBJECTS = [
    (file.name, document)
    for file in sorted((ROOT / "samples").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]
DEPLOYMENTS = [document for _, document in OBJECTS if document["kind"] == "Deployment"]


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack((ROOT / "policy.yaml").read_text(encoding="utf-8")) as made:
        network = create_network(made.model, {"ens5": SubnetPlan("10.0.0.0/24"), "ens6": SubnetPlan("10.0.1.0/24")})
        Kubelets(made.model, made.cluster, made.agent)
        nic = {"Ipv6AddressCount": 1, "PrimaryIpv6": True, "DeleteOnTermination": True}
        nics = [{"SubnetId": network.subnets[name], **nic} for name in ("ens5", "ens6")]
        launch(made.model, nics, tags={"spiderpool-aws/cluster": "demo", "role": "worker"})
        made.bus.advance(120)
        yield made


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["metadata"]["name"])
def test_a_samples_pods_get_their_addresses_from_the_nic_that_they_name(
    deployment: dict[str, Any], stack: LocalStack
) -> None:
    network = deployment["spec"]["template"]["metadata"]["annotations"][NETWORK]
    configs = {
        f"{config['metadata']['namespace']}/{config['metadata']['name']}": config["spec"]["ipvlan"]["master"]
        for config in stack.cluster.objects("spidermultusconfigs")
    }
    name = deployment["metadata"]["name"]
    assert configs[network] == [name.removeprefix("nginx-")]
    [node] = stack.cluster.objects("nodes")
    pod = stack.agent.run_pod("default", name, node["metadata"]["name"], network)
    of_nic = [
        pool["spec"] for pool in stack.cluster.objects("spiderippools") if pool["spec"]["multusName"] == [network]
    ]
    listed = [address for spec in of_nic for address in AddressSet.parse(FAMILIES[spec["ipVersion"]], spec["ips"])]
    assert (pod.error, len(pod.addresses)) == ("", 2)
    assert set(pod.addresses) <= set(listed)


def test_every_annotation_is_one_that_the_controller_documents() -> None:
    given = {
        (key, value) for _, document in OBJECTS for key, value in document["metadata"].get("annotations", {}).items()
    }
    assert given
    assert [(key, value) for key, value in given if value not in ANNOTATIONS[key]] == []


def test_a_service_sends_to_the_pods_of_a_deployment_and_an_ingress_to_a_service() -> None:
    pods = [deployment["spec"]["template"]["metadata"]["labels"] for deployment in DEPLOYMENTS]
    services = [document for _, document in OBJECTS if document["kind"] == "Service"]
    assert all(service["spec"]["selector"] in pods for service in services)
    ports = {service["metadata"]["name"]: service["spec"]["ports"][0]["name"] for service in services}
    [ingress] = [document for _, document in OBJECTS if document["kind"] == "Ingress"]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert ports[backend["name"]] == backend["port"]["name"]


def test_the_readme_of_the_samples_names_each_file() -> None:
    text = (ROOT / "samples" / "README.md").read_text(encoding="utf-8")
    assert [name for name, _ in OBJECTS if f"`{name}`" not in text] == []
