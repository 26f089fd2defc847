"""LIST: selectors, pages that show one moment, tokens that expire."""

import pytest

from tests.unit.cluster_double.scene import NODES, PODS, POOLS, RESERVED, Scene, node, pool


def names(document: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    return [item["metadata"]["name"] for item in document["items"]]


def scene_of(count: int) -> Scene:
    scene = Scene()
    for number in range(count):
        obj = pool(f"p{number}", f"10.0.1.{number + 10}")
        obj["metadata"]["labels"] = {"parity": "even" if number % 2 == 0 else "odd", f"n{number}": ""}
        scene.double.put(obj)
    return scene


def test_pages_follow_each_other_and_say_what_remains() -> None:
    scene = scene_of(5)
    first = scene.get(POOLS, limit="2")
    assert (names(first), first["metadata"]["remainingItemCount"]) == (["p0", "p1"], 3)
    second = scene.get(POOLS, **{"limit": "2", "continue": first["metadata"]["continue"]})
    assert names(second) == ["p2", "p3"]
    third = scene.get(POOLS, **{"limit": "2", "continue": second["metadata"]["continue"]})
    assert (names(third), "continue" in third["metadata"]) == (["p4"], False)
    assert first["metadata"]["resourceVersion"] == third["metadata"]["resourceVersion"]


def test_later_pages_show_the_moment_of_the_first() -> None:
    scene = scene_of(4)
    first = scene.get(POOLS, limit="2")
    scene.double.put(pool("p2", "10.0.1.200"))
    scene.double.put(pool("p9", "10.0.1.99"))
    rest = scene.get(POOLS, **{"limit": "2", "continue": first["metadata"]["continue"]})
    assert names(rest) == ["p2", "p3"]
    assert rest["items"][0]["spec"]["ips"] == ["10.0.1.12"]


def test_a_token_expires_and_the_answer_lets_the_client_go_on() -> None:
    scene = scene_of(4)
    token = scene.get(POOLS, limit="2")["metadata"]["continue"]
    scene.clock.advance(301)
    answer = scene.send("GET", POOLS, **{"limit": "2", "continue": token})
    assert (answer.status, answer.body["reason"]) == (410, "Expired")
    resumed = scene.get(POOLS, **{"continue": answer.body["metadata"]["continue"]})
    assert names(resumed) == ["p2", "p3"]


def test_a_token_that_is_no_token_is_a_bad_request() -> None:
    assert scene_of(1).send("GET", POOLS, **{"continue": "nonsense"}).status == 400


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("parity=even", ["p0", "p2"]),
        ("parity==odd", ["p1", "p3"]),
        ("parity!=even", ["p1", "p3"]),
        ("parity in (even, odd)", ["p0", "p1", "p2", "p3"]),
        ("parity notin (even)", ["p1", "p3"]),
        ("n1", ["p1"]),
        ("!n1", ["p0", "p2", "p3"]),
        ("parity=odd,!n1", ["p3"]),
        ("absent!=x", ["p0", "p1", "p2", "p3"]),
        ("absent=x", []),
    ],
)
def test_label_selectors_select(selector: str, expected: list[str]) -> None:
    assert names(scene_of(4).get(POOLS, labelSelector=selector)) == expected


def test_a_selector_that_cannot_be_read_is_a_bad_request() -> None:
    assert scene_of(1).send("GET", POOLS, labelSelector="a in b").status == 400


def test_field_selectors_find_the_pods_of_a_node() -> None:
    scene = Scene()
    for name, where in (("a", "n1"), ("b", "n2"), ("c", "n1")):
        spec = {"nodeName": where, "containers": [{"name": "main", "image": "app"}]}
        scene.double.put(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "x"}, "spec": spec}
        )
    assert names(scene.get("/api/v1/pods", fieldSelector="spec.nodeName=n1")) == ["a", "c"]
    assert names(scene.get("/api/v1/namespaces/x/pods", fieldSelector="spec.nodeName!=n1")) == ["b"]
    assert scene.get(PODS)["items"] == []


def test_a_name_can_be_selected_of_any_resource_and_other_fields_of_none() -> None:
    scene = scene_of(2)
    assert names(scene.get(POOLS, fieldSelector="metadata.name=p1")) == ["p1"]
    answer = scene.send("GET", POOLS, fieldSelector="spec.subnet=10.0.1.0/24")
    assert (answer.status, answer.body["message"]) == (400, "field label not supported: spec.subnet")


def test_items_of_core_lists_have_no_kind_and_those_of_custom_lists_have() -> None:
    scene = scene_of(1)
    scene.double.put(node())
    assert scene.get(POOLS)["items"][0]["kind"] == "SpiderIPPool"
    assert "kind" not in scene.get(NODES)["items"][0]
    assert scene.get(NODES)["kind"] == "NodeList"
    assert scene.get(RESERVED)["items"] == []
