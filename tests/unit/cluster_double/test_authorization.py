"""What a user whose rules are given may do: RBAC's rules and kube-apiserver's texts."""

from typing import Any

import pytest

from tests.unit.cluster_double.client import GROUP, NODES, PODS, POOLS, Client, node, pod, pool

SPIDERPOOL = "spiderpool.spidernet.io"


def rule(group: str, resource: str, *verbs: str, **more: Any) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), **more}


def limited(*rules: dict[str, Any]) -> Client:
    client = Client()
    client.double.put(node("n1"))
    client.double.put(pod("web"))
    client.double.put(pool("a", "10.0.1.5"))
    client.double.authorizer.limit("spiderpool-aws", rules)
    return client


def test_a_list_without_the_verb_is_forbidden_in_kubernetes_words() -> None:
    answer = limited().send("GET", POOLS)
    assert answer.status == 403
    assert answer.body["reason"] == "Forbidden"
    assert answer.body["details"] == {"group": SPIDERPOOL, "kind": "spiderippools"}
    assert answer.body["message"] == (
        'spiderippools.spiderpool.spidernet.io is forbidden: User "spiderpool-aws" cannot list resource'
        ' "spiderippools" in API group "spiderpool.spidernet.io" at the cluster scope'
    )


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("GET", f"{NODES}/n1", 'nodes "n1" is forbidden: User "spiderpool-aws" cannot get resource "nodes" in API'),
        ("DELETE", f"{PODS}/web", 'cannot delete resource "pods" in API group "" in the namespace "default"'),
        ("POST", POOLS, "cannot create resource"),
        ("PUT", f"{POOLS}/a", "cannot update resource"),
        ("PATCH", f"{POOLS}/a/status", 'cannot patch resource "spiderippools/status"'),
        ("GET", f"{GROUP}/spiderreservedips", "cannot list resource"),
    ],
)
def test_every_verb_has_its_name(method: str, path: str, text: str) -> None:
    answer = limited().send(method, path, {})
    assert answer.status == 403
    assert text in answer.body["message"]


def test_a_rule_allows_its_verbs_on_its_resource_and_not_on_its_status() -> None:
    client = limited(rule(SPIDERPOOL, "spiderippools", "list", "patch"))
    assert client.names(POOLS) == ["a"]
    assert client.merge(f"{POOLS}/a", {"spec": {"disable": True}}).status == 200
    assert client.merge(f"{POOLS}/a/status", {"status": {}}).status == 403
    assert client.get(f"{POOLS}/a").status == 403
    assert client.send("GET", NODES).status == 403


def test_an_apply_that_makes_an_object_needs_create_beside_patch() -> None:
    client = limited(rule(SPIDERPOOL, "spiderippools", "patch"))
    assert client.apply(pool("a", "10.0.1.5"), force="true").status == 200
    refused = client.apply(pool("b", "10.0.1.6"))
    assert (refused.status, "cannot create resource" in refused.body["message"]) == (403, True)
    client.double.authorizer.limit("spiderpool-aws", [rule(SPIDERPOOL, "spiderippools", "patch", "create")])
    assert client.apply(pool("b", "10.0.1.6")).status == 201


def test_a_rule_with_names_allows_these_objects_only() -> None:
    client = limited(rule("", "nodes", "get", "list", resourceNames=["n1"]))
    assert client.get(f"{NODES}/n1").status == 200
    assert client.get(f"{NODES}/n2").status == 403
    assert client.send("GET", NODES).status == 403


def test_a_rule_of_a_namespace_allows_nothing_in_another_nor_in_all_of_them() -> None:
    client = limited()
    client.double.authorizer.limit("spiderpool-aws", [], default=[rule("", "pods", "delete", "list")])
    assert client.send("GET", PODS).status == 200
    assert client.send("DELETE", f"{PODS}/web").status == 200
    assert client.send("DELETE", f"{PODS.replace('default', 'kube-system')}/web").status == 403
    assert client.send("GET", "/api/v1/pods").status == 403


def test_stars_allow_everything_and_other_users_are_not_limited() -> None:
    assert limited(rule("*", "*", "*")).send("DELETE", f"{POOLS}/a").status == 200
    client = limited()
    client.headers["Authorization"] = f"Bearer {client.double.admin_token}"
    assert client.send("GET", POOLS).status == 200


def test_a_refused_request_is_seen_as_one_and_changes_nothing() -> None:
    client = limited()
    client.double.requests.clear()
    client.send("DELETE", f"{POOLS}/a")
    assert client.double.requests == [("delete", "spiderippools", 403)]
    assert [one["metadata"]["name"] for one in client.double.objects("spiderippools")] == ["a"]
