"""Lists: selectors, pages, and tokens that expire."""

import pytest

from tests.unit.cluster_double.client import NODES, POOLS, Client, node, pod, pool


@pytest.fixture
def five(client: Client) -> Client:
    """Five pools, p0 to p4, of two zones."""
    for number in range(5):
        labels = {"zone": "a" if number < 3 else "b", "number": str(number)}
        client.apply(pool(f"p{number}", f"10.0.1.{10 + number}", labels=labels))
    return client


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("zone=a", ["p0", "p1", "p2"]),
        ("zone==b", ["p3", "p4"]),
        ("zone!=a", ["p3", "p4"]),
        ("zone in (a,b),number in (1, 4)", ["p1", "p4"]),
        ("number notin (0,1,2,3)", ["p4"]),
        ("zone,!number", []),
        ("missing!=x", ["p0", "p1", "p2", "p3", "p4"]),
        ("!missing", ["p0", "p1", "p2", "p3", "p4"]),
        ("ipam.spidernet.io/ippool-cidr=10-0-1-0-24,number=2", ["p2"]),
        ("zone=", []),
    ],
)
def test_labels_select(five: Client, selector: str, names: list[str]) -> None:
    assert five.names(POOLS, labelSelector=selector) == names


def test_a_label_that_changed_no_longer_selects(five: Client) -> None:
    five.merge(f"{POOLS}/p0", {"metadata": {"labels": {"zone": "b"}}})
    assert five.names(POOLS, labelSelector="zone=a") == ["p1", "p2"]


@pytest.mark.parametrize("selector", ["zone in a", "a b", "=x"])
def test_a_selector_that_cannot_be_read_is_a_bad_request(five: Client, selector: str) -> None:
    assert five.send("GET", POOLS, labelSelector=selector).status == 400


def test_fields_select(client: Client) -> None:
    client.double.put(node("n1"))
    for name, place in (("one", "n1"), ("two", "n2"), ("free", "")):
        client.double.put(pod(name, place))
    assert client.names("/api/v1/pods", fieldSelector="spec.nodeName=n1") == ["one"]
    assert client.names("/api/v1/pods", fieldSelector="spec.nodeName!=n1,metadata.namespace=default") == ["free", "two"]
    assert client.names(NODES, fieldSelector="metadata.name=n1") == ["n1"]


def test_a_field_that_cannot_be_selected_is_a_bad_request(five: Client) -> None:
    answer = five.send("GET", POOLS, fieldSelector="spec.subnet=10.0.1.0/24")
    assert (answer.status, answer.body["message"]) == (400, "field label not supported: spec.subnet")


def test_pages_hold_all_and_say_how_many_are_left(five: Client) -> None:
    first = five.send("GET", POOLS, limit="2").body
    assert first["metadata"]["remainingItemCount"] == 3
    second = five.send("GET", POOLS, limit="2", **{"continue": first["metadata"]["continue"]}).body
    third = five.send("GET", POOLS, limit="2", **{"continue": second["metadata"]["continue"]}).body
    names = [item["metadata"]["name"] for page in (first, second, third) for item in page["items"]]
    assert names == ["p0", "p1", "p2", "p3", "p4"]
    assert "continue" not in third["metadata"]


def test_later_pages_show_the_state_of_the_first(five: Client) -> None:
    first = five.send("GET", POOLS, limit="2").body
    five.merge(f"{POOLS}/p3", {"spec": {"disable": True}})
    five.apply(pool("p35", "10.0.1.50"))
    rest = five.send("GET", POOLS, **{"continue": first["metadata"]["continue"]}).body
    assert [item["metadata"]["name"] for item in rest["items"]] == ["p2", "p3", "p4"]
    assert rest["items"][1]["spec"]["disable"] is False
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_with_a_selector_the_number_of_items_left_is_unknown(five: Client) -> None:
    metadata = five.send("GET", POOLS, limit="1", labelSelector="zone=a").body["metadata"]
    assert "continue" in metadata
    assert "remainingItemCount" not in metadata


def test_a_token_of_more_than_five_minutes_ago_is_gone_and_offers_an_inconsistent_rest(five: Client) -> None:
    token = five.send("GET", POOLS, limit="2").body["metadata"]["continue"]
    five.apply(pool("p35", "10.0.1.50"))
    five.clock.advance(301)
    answer = five.send("GET", POOLS, **{"continue": token})
    assert (answer.status, answer.body["reason"]) == (410, "Expired")
    assert five.names(POOLS, **{"continue": answer.body["metadata"]["continue"]}) == ["p2", "p3", "p35", "p4"]


def test_tokens_expire_when_a_test_says_so(five: Client) -> None:
    token = five.send("GET", POOLS, limit="2").body["metadata"]["continue"]
    five.double.expire_list_tokens()
    assert five.send("GET", POOLS, **{"continue": token}).status == 410


def test_a_token_that_is_none_is_a_bad_request(five: Client) -> None:
    assert five.send("GET", POOLS, **{"continue": "nonsense"}).status == 400


def test_items_of_custom_resources_say_their_kind_and_those_of_core_resources_do_not(five: Client) -> None:
    five.double.put(node("n1"))
    assert five.send("GET", POOLS).body["items"][0]["kind"] == "SpiderIPPool"
    assert "kind" not in five.send("GET", NODES).body["items"][0]


def test_a_list_of_one_namespace_leaves_the_others_out(client: Client) -> None:
    client.double.put(pod("one"))
    client.double.put({**pod("two"), "metadata": {"name": "two", "namespace": "kube-system"}})
    assert client.names("/api/v1/namespaces/kube-system/pods") == ["two"]
    assert client.names("/api/v1/pods") == ["one", "two"]
