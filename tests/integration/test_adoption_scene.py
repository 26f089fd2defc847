"""Hand-made pools on the local stack: the Spiderpool guide's own cluster, while its pods run, under the checker."""

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.adapters.scaling import ScalingAdapter
from spiderpool_aws.adopting import Adopter
from spiderpool_aws.domain.adoption.plan import AdoptionPlan
from spiderpool_aws.local.cluster import connect_in_process as connect_cluster
from spiderpool_aws.local.ec2 import connect_in_process as connect_ec2
from spiderpool_aws.local.invariants import InvariantError
from spiderpool_aws.local.isolated import isolated_session
from spiderpool_aws.ports import Systems
from tests.integration.broken_product import POOLS
from tests.integration.scene import TAGS, Scene, policy_text, scene
from tests.unit.adapters.doubles import RecordingReporter

PERSON = "the-administrators-token"
Json = dict[str, Any]


def adopter(s: Scene) -> Adopter:
    """Return what a person at the command line has: users of his own, in AWS and in the cluster."""
    s.stack.cluster.tokens[PERSON] = "administrator"
    session = isolated_session(s.stack.model.region)
    connect_ec2(session, s.stack.model, f"arn:aws:iam::{s.stack.model.account_id}:user/administrator")
    api = ApiClient(Configuration(host="https://cluster.local"))
    connect_cluster(api, s.stack.cluster, PERSON)
    cluster = ClusterAdapter(FixedCredentials(api), RecordingReporter())
    systems = Systems(Ec2Adapter.from_session(session), cluster, ScalingAdapter(lambda: session.client("autoscaling")))
    return Adopter(systems, s.stack.clock)


def plan(s: Scene) -> AdoptionPlan:
    return adopter(s).plan(s.stack.policy())


def adopt(s: Scene) -> None:
    assert [outcome.refusal for outcome in adopter(s).adopt(plan(s)) if outcome.refusal] == []
    s.checker.check()


def node_of(s: Scene, instance_id: str) -> str:
    return s.stack.model.instances[instance_id].private_dns_name


def write_by_hand(s: Scene, instance_id: str, **spec: Any) -> list[str]:
    """Write the pools of a node's NICs as the guide's reader does; return their names."""
    names = []
    for eni in s.stack.model.enis.values():
        if eni.attachment is None or eni.attachment.instance_id != instance_id:
            continue
        host = f"ens{5 + eni.attachment.device_index}"
        subnet = s.stack.model.subnets[eni.subnet_id]
        fields = {"subnet": subnet.cidr, "ips": list(eni.secondary_ips), "default": True,
                  "gateway": subnet.cidr.replace("0/24", "1"), "nodeName": [node_of(s, instance_id)],
                  "multusName": [f"kube-system/ipvlan-{host}"]}  # fmt: skip
        names.append(f"{instance_id[-4:]}-{host}")
        s.stack.cluster.put({"apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderIPPool",
                             "metadata": {"name": names[-1]}, "spec": fields | spec})  # fmt: skip
    for nic in ("ens5", "ens6"):
        s.stack.cluster.put({"apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderMultusConfig",
                             "metadata": {"name": f"ipvlan-{nic}", "namespace": "kube-system"},
                             "spec": {"cniType": "ipvlan", "ipvlan": {"master": [nic]}}})  # fmt: skip
    return names


def guides_cluster(s: Scene) -> tuple[list[str], list[str]]:
    """Launch two nodes with hand-made pools and pods; return the instances and the pools' names."""
    instances = [s.launch(SecondaryPrivateIpAddressCount=5) for _ in range(2)]
    s.run(60)
    names = [name for instance_id in instances for name in write_by_hand(s, instance_id)]
    s.run(10)
    return instances, names


def held(s: Scene) -> dict[str, str]:
    return {address: user for pool in s.pools() for address, user in pool.users.items()}


def test_the_guides_pools_are_adopted_while_pods_run_and_then_nothing_is_left_to_do() -> None:
    with scene(policy_text(mode="observe")) as s:
        instances, names = guides_cluster(s)
        for instance_id in instances:
            for nic in ("ens5", "ens6"):
                s.stack.agent.run_pod(
                    "default", f"{instance_id[-4:]}-{nic}", node_of(s, instance_id), f"kube-system/ipvlan-{nic}"
                )
        before, pods = {p.name: p.spec.ips for p in s.pools()}, held(s)
        assert (len(pods), sorted(before)) == (4, sorted(names))
        adopt(s)
        s.stack.put_policy(policy_text())
        s.run(400)
        assert ({p.name: p.spec.ips for p in s.pools()}, held(s)) == (before, pods)
        assert {p.identity.instance_id for p in s.pools() if p.identity} == set(instances)
        assert [call.operation for call in s.stack.model.calls if "Assign" in call.operation] == []
        s.checker.assert_idle(lambda: s.run(900))
        assert plan(s).adoptions == ()


def test_before_the_adoption_the_product_leaves_hand_made_pools_alone_and_says_so() -> None:
    with scene(policy_text(mode="observe")) as s:
        _, names = guides_cluster(s)
        s.stack.put_policy(policy_text())
        before = {
            p["metadata"]["name"]: p for p in s.stack.cluster.objects("spiderippools") if p["metadata"]["name"] in names
        }
        s.run(320)
        after = {p["metadata"]["name"]: p for p in s.stack.cluster.objects("spiderippools")}
        assert {name: after[name] for name in names} == before
        assert s.stack.journal.counts["ForeignPool"] > 0


def test_a_pod_that_starts_while_a_pool_is_adopted_gets_an_address_and_keeps_it() -> None:
    with scene(policy_text(mode="observe")) as s:
        instances, _ = guides_cluster(s)
        made = plan(s)
        pod = s.stack.agent.run_pod("default", "web", node_of(s, instances[0]))
        assert [outcome.refusal for outcome in adopter(s).adopt(made)] == [""] * 4
        later = s.stack.agent.run_pod("default", "late", node_of(s, instances[0]))
        assert len({*pod.addresses, *later.addresses}) == 2
        s.stack.put_policy(policy_text())
        s.run(120)
        assert held(s) == {pod.addresses[0]: "default/web", later.addresses[0]: "default/late"}


def apply_as_person(s: Scene, change: Callable[[Json], Json]) -> None:
    """Adopt one pool, but with something about the write changed."""
    stored = next(
        p for p in s.stack.cluster.objects("spiderippools") if not p["metadata"]["labels"].get("spiderpool-aws/eni")
    )
    adoption = next(a for a in plan(s).ready if a.name == stored["metadata"]["name"])
    assert adoption.after is not None
    assert adoption.after.identity is not None
    labels = stored["metadata"]["labels"] | adoption.after.identity.to_labels()
    body = {"apiVersion": stored["apiVersion"], "kind": "SpiderIPPool",
            "metadata": {"name": stored["metadata"]["name"], "labels": labels}, "spec": stored["spec"]}  # fmt: skip
    headers = {"authorization": f"Bearer {PERSON}", "content-type": "application/apply-patch+yaml"}
    query = {"fieldManager": "spiderpool-aws", "force": "true"}
    where = f"{POOLS}/{stored['metadata']['name']}"
    answer = s.stack.cluster.request("PATCH", where, query, headers, change(body))
    assert answer.status == 200, answer.body


def with_spec(**changes: Any) -> Callable[[Json], Json]:
    return lambda body: body | {"spec": body["spec"] | changes}


def with_labels(**changes: str) -> Callable[[Json], Json]:
    labels = {f"spiderpool-aws/{key}": value for key, value in changes.items()}
    return lambda body: body | {"metadata": body["metadata"] | {"labels": body["metadata"]["labels"] | labels}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda body: body, "", id="an adoption as it should be"),
        pytest.param(with_spec(ips=["10.0.0.5-10.0.0.9", "10.0.0.77"]), "invariant 1", id="what EC2 did not assign"),
        pytest.param(with_spec(excludeIPs=["10.0.0.9"]), "changed fields of others", id="a field of the users"),
        pytest.param(with_spec(nodeName=["elsewhere"]), "not proved", id="another node"),
        pytest.param(with_spec(multusName=["kube-system/other"]), "the policy says", id="another network"),
        pytest.param(with_labels(instance="i-00000000000000bad"), "invariant 4", id="another instance"),
        pytest.param(with_labels(cluster="staging"), "labelled for staging", id="another cluster"),
    ],
)
def test_the_checker_judges_an_adoption(change: Callable[[Json], Json], words: str) -> None:
    with scene(policy_text(mode="observe", nics=1)) as s:
        instance_id = s.launch(nics=1, SecondaryPrivateIpAddressCount=5)
        s.run(60)
        write_by_hand(s, instance_id)
        apply_as_person(s, change)
        if words:
            with pytest.raises(InvariantError, match=words):
                s.checker.check()
            s.checker.violations.clear()
        s.checker.check()


def test_a_pool_of_ours_is_not_to_be_adopted_and_no_other_object_is() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        s.stack.cluster.tokens[PERSON] = "administrator"
        (pool,) = s.stack.cluster.objects("spiderippools")
        headers = {"authorization": f"Bearer {PERSON}", "content-type": "application/merge-patch+json"}
        query = {"fieldManager": "spiderpool-aws"}
        body = {"metadata": {"labels": {"team": "a"}}}
        (node,) = s.stack.cluster.objects("nodes")
        for where in (f"{POOLS}/{pool['metadata']['name']}", f"/api/v1/nodes/{node['metadata']['name']}"):
            assert s.stack.cluster.request("PATCH", where, query, headers, body).status == 200
        assert [v.invariant for v in s.checker.violations] == [7, 7, 7]
        s.checker.violations.clear()


def test_an_unlabelled_instance_is_offered_nothing() -> None:
    with scene(policy_text(mode="observe")) as s:
        s.launch(tags=TAGS)
        stranger = s.launch(tags={}, SecondaryPrivateIpAddressCount=5)
        s.run(60)
        write_by_hand(s, stranger)
        assert plan(s).adoptions == ()
