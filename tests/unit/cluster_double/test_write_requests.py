"""POST, PUT, PATCH, DELETE: versions, preconditions, sub-resources, finalizers, rehearsals."""

import pytest

from tests.unit.cluster_double.client import JSON_PATCH, NODES, POOLS, STRATEGIC, Client, causes, node, pool


def test_the_server_sets_identity_and_time(client: Client) -> None:
    one = client.send("POST", POOLS, pool("a", "10.0.1.5")).body["metadata"]
    two = client.send("POST", POOLS, pool("b", "10.0.1.6")).body["metadata"]
    assert one["uid"] != two["uid"]
    assert one["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert int(two["resourceVersion"]) > int(one["resourceVersion"])


def test_a_replacement_needs_the_version_that_it_replaces(client: Client) -> None:
    client.send("POST", POOLS, pool("a", "10.0.1.5"))
    answer = client.send("PUT", f"{POOLS}/a", pool("a", "10.0.1.6"))
    assert (answer.status, causes(answer)) == (422, ["metadata.resourceVersion"])


def test_a_replacement_of_an_old_version_is_a_conflict(client: Client) -> None:
    old = client.send("POST", POOLS, pool("a", "10.0.1.5")).body
    assert client.send("PUT", f"{POOLS}/a", {**old, "spec": {**old["spec"], "disable": True}}).status == 200
    answer = client.send("PUT", f"{POOLS}/a", {**old, "spec": {**old["spec"], "default": True}})
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


def test_a_replacement_with_another_uid_is_a_conflict(client: Client) -> None:
    old = client.send("POST", POOLS, pool("a", "10.0.1.5")).body
    answer = client.send("PUT", f"{POOLS}/a", {**old, "metadata": {**old["metadata"], "uid": "other"}})
    assert answer.status == 409
    assert "Precondition failed: UID in precondition: other" in answer.body["message"]


def test_a_patch_with_the_version_that_was_read_is_refused_after_another_write(client: Client) -> None:
    version = client.double.put(node("n1"))["metadata"]["resourceVersion"]
    change = {"metadata": {"resourceVersion": version}, "spec": {"unschedulable": True}}
    client.merge(f"{NODES}/n1", {"metadata": {"labels": {"a": "b"}}})
    assert client.merge(f"{NODES}/n1", change).status == 409


def test_an_unknown_field_is_dropped_by_everything_but_an_apply(client: Client) -> None:
    answer = client.send("POST", POOLS, pool("a", "10.0.1.5", nodename=["n"]))
    assert answer.status == 201
    assert "nodename" not in answer.body["spec"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param({"default": "yes"}, "spec.default", id="a text for a boolean"),
        pytest.param({"ips": [5]}, "spec.ips[0]", id="a number for an address"),
        pytest.param({"ipVersion": 5}, "spec.ipVersion", id="a value that is not in the enum"),
        pytest.param({"routes": [{"dst": "10.9.0.0/16"}]}, "spec.routes[0].gw", id="a required field is missing"),
    ],
)
def test_what_breaks_the_schema_is_invalid(client: Client, spec: dict[str, object], field: str) -> None:
    client.apply(pool("a", "10.0.1.5"))
    answer = client.merge(f"{POOLS}/a", {"spec": spec})
    assert (answer.status, causes(answer)) == (422, [field])


def test_the_main_resource_leaves_the_status_alone_and_the_status_leaves_the_spec_alone(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    both = {"spec": {"disable": True}, "status": {"totalIPCount": 7}}
    assert "status" not in client.merge(f"{POOLS}/a", both).body
    answer = client.merge(f"{POOLS}/a/status", {"spec": {"disable": False}, "status": {"totalIPCount": 8}})
    assert answer.body["spec"]["disable"] is True
    assert answer.body["status"] == {"totalIPCount": 8}


def test_a_status_write_keeps_the_generation(client: Client) -> None:
    before = client.apply(pool("a", "10.0.1.5")).body["metadata"]
    after = client.allocate("a", "10.0.1.5").body["metadata"]
    assert after["generation"] == before["generation"]
    assert after["resourceVersion"] != before["resourceVersion"]


def test_a_status_of_what_has_none_is_not_found(client: Client) -> None:
    assert client.get("/apis/spiderpool.spidernet.io/v2beta1/spiderreservedips/a/status").status == 404


def test_a_label_changes_the_version_and_not_the_generation(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    after = client.merge(f"{POOLS}/a", {"metadata": {"labels": {"x": "y"}}}).body["metadata"]
    assert after["generation"] == 1


def test_a_json_patch_adds_replaces_removes_and_tests(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5", nodeName=["n1"]))
    operations = [
        {"op": "test", "path": "/spec/nodeName/0", "value": "n1"},
        {"op": "add", "path": "/spec/nodeName/-", "value": "n2"},
        {"op": "replace", "path": "/spec/default", "value": True},
        {"op": "add", "path": "/metadata/annotations", "value": {"a~b/c": "d"}},
        {"op": "remove", "path": "/metadata/annotations/a~0b~1c"},
    ]
    body = client.send("PATCH", f"{POOLS}/a", operations, JSON_PATCH).body
    assert (body["spec"]["nodeName"], body["spec"]["default"]) == (["n1", "n2"], True)
    assert not body["metadata"].get("annotations")


def test_a_json_patch_whose_test_fails_changes_nothing(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    operations = [
        {"op": "replace", "path": "/spec/default", "value": True},
        {"op": "test", "path": "/spec/subnet", "value": "10.0.2.0/24"},
    ]
    assert client.send("PATCH", f"{POOLS}/a", operations, JSON_PATCH).status == 422
    assert client.spec("a")["default"] is False


def test_custom_resources_take_no_strategic_merge_patch(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    answer = client.send("PATCH", f"{POOLS}/a", {"spec": {"disable": True}}, STRATEGIC)
    assert (answer.status, answer.body["reason"]) == (415, "UnsupportedMediaType")


def test_a_strategic_merge_patch_replaces_taints_and_merges_conditions(client: Client) -> None:
    client.double.put(node("n1", taints=[{"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "NoSchedule"}]))
    change = {"spec": {"taints": [{"key": "b", "effect": "NoSchedule"}]}}
    body = client.send("PATCH", f"{NODES}/n1", change, STRATEGIC).body
    assert [taint["key"] for taint in body["spec"]["taints"]] == ["b"]
    for kind in ("Ready", "DiskPressure"):
        conditions = {"status": {"conditions": [{"type": kind, "status": "True"}]}}
        body = client.send("PATCH", f"{NODES}/n1/status", conditions, STRATEGIC).body
    assert [condition["type"] for condition in body["status"]["conditions"]] == ["Ready", "DiskPressure"]


def test_a_rehearsal_runs_the_webhooks_and_writes_nothing(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    version = client.double.store.version
    assert client.apply(pool("b", "10.0.1.5"), dryRun="All").status == 422
    answer = client.apply(pool("b", "10.0.1.7", "10.0.1.6"), dryRun="All")
    assert (answer.status, answer.body["spec"]["ips"]) == (201, ["10.0.1.6-10.0.1.7"])
    assert client.send("DELETE", f"{POOLS}/a", dryRun="All").status == 200
    assert client.merge(f"{POOLS}/a", {"spec": {"disable": True}}, dryRun="All").body["spec"]["disable"] is True
    assert client.names(POOLS) == ["a"]
    assert "deletionTimestamp" not in client.get(f"{POOLS}/a").body["metadata"]
    assert client.double.store.version == version


@pytest.mark.parametrize("key", ["uid", "resourceVersion"])
def test_a_deletion_of_something_else_than_was_read_is_a_conflict(client: Client, key: str) -> None:
    client.double.put(node("n1"))
    answer = client.send("DELETE", f"{NODES}/n1", {"preconditions": {key: "1"}})
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "in the precondition (1) does not match" in answer.body["message"]


def test_a_deletion_of_what_was_read_passes(client: Client) -> None:
    metadata = client.double.put(node("n1"))["metadata"]
    wanted = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    assert client.send("DELETE", f"{NODES}/n1", {"preconditions": wanted}).body["status"] == "Success"
    assert client.get(f"{NODES}/n1").status == 404


def test_a_finalizer_keeps_a_deleted_object_until_it_is_taken_away(client: Client) -> None:
    client.double.put({**node("n1"), "metadata": {"name": "n1", "finalizers": ["x/y"]}})
    assert client.send("DELETE", f"{NODES}/n1").body["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
    more = client.merge(f"{NODES}/n1", {"metadata": {"finalizers": ["x/y", "x/z"]}})
    assert (more.status, causes(more)) == (422, ["metadata.finalizers"])
    assert client.merge(f"{NODES}/n1", {"metadata": {"finalizers": None}}).status == 200
    assert client.get(f"{NODES}/n1").status == 404


def test_a_name_in_the_body_must_be_the_one_in_the_path(client: Client) -> None:
    answer = client.send("PATCH", f"{POOLS}/b", pool("a"), "application/apply-patch+yaml", fieldManager="m")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


def test_a_namespace_has_to_exist(client: Client) -> None:
    path = "/apis/spiderpool.spidernet.io/v2beta1/namespaces/nowhere/spidermultusconfigs"
    body = {"apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderMultusConfig", "metadata": {"name": "a"}}
    answer = client.send("POST", path, body)
    assert (answer.status, answer.body["message"]) == (404, 'namespaces "nowhere" not found')


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/apis/spiderpool.spidernet.io/v2beta1/spidersubnets", 404, id="an unknown resource"),
        pytest.param("GET", "/apis/apps/v1/deployments", 404, id="an unknown group"),
        pytest.param("GET", "/metrics", 404, id="an unknown path"),
        pytest.param("DELETE", POOLS, 405, id="deletion of a collection"),
        pytest.param("POST", f"{POOLS}/a", 405, id="POST to an object"),
        pytest.param("GET", "/version", 200, id="the version"),
    ],
)
def test_paths_and_verbs_that_are_not_served(client: Client, method: str, path: str, status: int) -> None:
    assert client.send(method, path).status == status


@pytest.mark.parametrize("body", [b"{", b"[]", b"5"])
def test_a_body_that_is_no_object_is_a_bad_request(client: Client, body: bytes) -> None:
    assert client.send("POST", POOLS, body).status == 400


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic product-token"])
def test_without_a_token_that_is_known_nothing_is_answered(client: Client, header: str) -> None:
    client.headers = {"Authorization": header}
    answer = client.get(POOLS)
    assert (answer.status, answer.body["reason"]) == (401, "Unauthorized")


def test_every_request_is_logged_with_verb_resource_and_status(client: Client) -> None:
    client.double.requests.clear()
    client.apply(pool("a", "10.0.1.5"))
    client.allocate("a", "10.0.1.5")
    client.names(POOLS)
    client.send("DELETE", f"{POOLS}/b")
    assert [request[:3] for request in client.double.requests] == [
        ("patch", "spiderippools", 201),
        ("patch", "spiderippools/status", 200),
        ("list", "spiderippools", 200),
        ("delete", "spiderippools", 404),
    ]
