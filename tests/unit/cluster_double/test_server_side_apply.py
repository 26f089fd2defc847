"""Server-side apply: who owns what, conflicts, force, and what an apply removes."""

from tests.unit.cluster_double.client import NODES, POOLS, Client, node, pool


def _managers(client: Client, path: str) -> dict[tuple[str, str], set[str]]:
    entries = client.get(path).body["metadata"].get("managedFields", [])
    return {(e["manager"], e["operation"]): {f[2:] for f in e["fieldsV1"].get("f:spec", {})} for e in entries}


def test_an_apply_creates_with_201_and_then_answers_200(client: Client) -> None:
    assert [client.apply(pool("a", "10.0.1.5")).status, client.apply(pool("a", "10.0.1.6")).status] == [201, 200]


def test_an_apply_that_changes_nothing_keeps_the_resource_version(client: Client) -> None:
    first = client.apply(pool("a", "10.0.1.7", "10.0.1.5", "10.0.1.6"))
    again = client.apply(pool("a", "10.0.1.7", "10.0.1.5", "10.0.1.6"))
    canonical = client.apply(pool("a", "10.0.1.5-10.0.1.7"))
    versions = {answer.body["metadata"]["resourceVersion"] for answer in (first, again, canonical)}
    assert len(versions) == 1
    assert canonical.body["metadata"]["generation"] == 1


def test_only_applied_fields_are_owned_not_defaults_nor_what_the_webhook_sets(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5", default=True))
    assert _managers(client, f"{POOLS}/a") == {("spiderpool-aws", "Apply"): {"ipVersion", "subnet", "ips", "default"}}


def test_a_field_that_a_user_set_survives_our_apply(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    client.merge(f"{POOLS}/a", {"spec": {"disable": True}}, fieldManager="kubectl-edit")
    client.apply(pool("a", "10.0.1.5-10.0.1.6"))
    assert client.spec("a")["disable"] is True


def test_a_field_that_we_drop_disappears(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5", nodeName=["n1"], gateway="10.0.1.1"))
    client.apply(pool("a", "10.0.1.5", gateway="10.0.1.1"))
    assert "nodeName" not in client.spec("a")


def test_a_dropped_field_with_a_default_falls_back_to_it(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5", default=True))
    client.apply(pool("a", "10.0.1.5"))
    assert client.spec("a")["default"] is False


def test_a_dropped_label_disappears_and_the_others_stay(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5", labels={"ours": "1", "also": "2"}))
    client.merge(f"{POOLS}/a", {"metadata": {"labels": {"theirs": "3"}}})
    labels = client.apply(pool("a", "10.0.1.5", labels={"ours": "1"})).body["metadata"]["labels"]
    assert labels == {"ours": "1", "theirs": "3", "ipam.spidernet.io/ippool-cidr": "10-0-1-0-24"}


def test_a_field_that_two_managers_apply_alike_is_shared_and_stays_when_one_drops_it(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5", nodeName=["n1"]), manager="one")
    client.apply(pool("a", "10.0.1.5", nodeName=["n1"]), manager="two")
    client.apply(pool("a", "10.0.1.5"), manager="one")
    assert client.spec("a")["nodeName"] == ["n1"]
    client.apply(pool("a", "10.0.1.5"), manager="two")
    assert "nodeName" not in client.spec("a")


def test_sharing_a_field_is_a_write_that_keeps_the_generation(client: Client) -> None:
    first = client.apply(pool("a", "10.0.1.5"), manager="one").body["metadata"]
    second = client.apply(pool("a", "10.0.1.5"), manager="two").body["metadata"]
    assert first["resourceVersion"] != second["resourceVersion"]
    assert first["generation"] == second["generation"]


def test_an_apply_that_contradicts_two_fields_names_both(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5", nodeName=["n1"]), manager="one")
    answer = client.apply(pool("a", "10.0.1.6", nodeName=["n2"]), manager="two")
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert (
        answer.body["message"] == 'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.ips\n- .spec.nodeName'
    )
    assert client.spec("a")["ips"] == ["10.0.1.5"]


def test_a_conflict_with_a_plain_update_says_when_it_was_made(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    client.merge(f"{POOLS}/a", {"spec": {"ips": ["10.0.1.6"]}}, fieldManager="kubectl-edit")
    message = client.apply(pool("a", "10.0.1.5")).body["message"]
    expected = 'conflict with "kubectl-edit" using spiderpool.spidernet.io/v2beta1 at 2026-01-01T00:00:00Z: .spec.ips'
    assert message == f"Apply failed with 1 conflict: {expected}"


def test_force_takes_the_field_over(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5", nodeName=["n1"]), manager="one")
    assert client.apply(pool("a", "10.0.1.6"), manager="two", force="true").status == 200
    assert _managers(client, f"{POOLS}/a")["one", "Apply"] == {"ipVersion", "subnet", "nodeName"}
    assert client.apply(pool("a", "10.0.1.7"), manager="one").status == 409


def test_an_update_takes_the_field_away_from_its_manager(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    client.merge(f"{POOLS}/a", {"spec": {"ips": ["10.0.1.6"]}}, fieldManager="other")
    managers = _managers(client, f"{POOLS}/a")
    assert "ips" not in managers["spiderpool-aws", "Apply"]
    assert managers["other", "Update"] == {"ips"}


def test_an_apply_never_touches_the_status(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    client.clock.advance(1)
    client.apply({**pool("a", "10.0.1.5"), "status": {"totalIPCount": 99}})
    assert client.get(f"{POOLS}/a").body["status"]["totalIPCount"] == 1


def test_an_apply_needs_a_field_manager(client: Client) -> None:
    answer = client.send("PATCH", f"{POOLS}/a", pool("a"), "application/apply-patch+yaml")
    assert answer.status == 422
    assert "fieldManager: Required value" in answer.body["message"]


def test_an_apply_may_be_yaml(client: Client) -> None:
    text = b"apiVersion: spiderpool.spidernet.io/v2beta1\nkind: SpiderIPPool\nmetadata: {name: a}\n"
    text += b"spec:\n  subnet: 10.0.1.0/24\n  ips: [10.0.1.5]\n"
    answer = client.send("PATCH", f"{POOLS}/a", text, "application/apply-patch+yaml", fieldManager="m")
    assert (answer.status, answer.body["spec"]["ipVersion"]) == (201, 4)


def test_several_unknown_fields_are_all_named(client: Client) -> None:
    answer = client.apply(pool("a", "10.0.1.5", nodename=["n"], foo=1))
    assert answer.status == 500
    assert ".spec.nodename: field not declared in schema\n  .spec.foo: field not declared" in answer.body["message"]


def test_a_value_of_the_wrong_type_in_an_apply_is_no_422_but_a_500(client: Client) -> None:
    answer = client.apply(pool("a", "10.0.1.5", default="yes"))
    assert (answer.status, "reason" in answer.body) == (500, False)
    assert ".spec.default: expected boolean" in answer.body["message"]


def test_an_apply_with_a_uid_creates_nothing(client: Client) -> None:
    wanted = pool("a", "10.0.1.5")
    wanted["metadata"]["uid"] = "gone"
    answer = client.apply(wanted)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "uid mismatch" in answer.body["message"]
    assert client.get(f"{POOLS}/a").status == 404


def test_an_apply_with_the_uid_of_another_object_is_refused_as_a_change_of_an_immutable_field(client: Client) -> None:
    client.apply(pool("a", "10.0.1.5"))
    wanted = pool("a", "10.0.1.6")
    wanted["metadata"]["uid"] = "another"
    answer = client.apply(wanted)
    assert answer.status == 422
    assert 'metadata.uid: Invalid value: "another": field is immutable' in answer.body["message"]


def test_an_apply_with_its_own_uid_passes(client: Client) -> None:
    wanted = pool("a", "10.0.1.6")
    wanted["metadata"]["uid"] = client.apply(pool("a", "10.0.1.5")).body["metadata"]["uid"]
    assert client.apply(wanted).status == 200


def test_an_apply_with_an_old_resource_version_is_refused(client: Client) -> None:
    old = client.apply(pool("a", "10.0.1.5")).body["metadata"]["resourceVersion"]
    client.merge(f"{POOLS}/a", {"spec": {"disable": True}})
    wanted = pool("a", "10.0.1.6")
    wanted["metadata"]["resourceVersion"] = old
    answer = client.apply(wanted)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in answer.body["message"]


def test_a_list_of_taints_has_one_owner(client: Client) -> None:
    ours = node("n1", taints=[{"key": "a", "effect": "NoSchedule"}])
    client.apply({k: v for k, v in ours.items() if k != "status"}, path=NODES)
    theirs = node("n1", taints=[{"key": "b", "effect": "NoSchedule"}])
    answer = client.apply({k: v for k, v in theirs.items() if k != "status"}, manager="kubelet", path=NODES)
    assert answer.body["message"].endswith(": .spec.taints")


def test_finalizers_are_a_set_that_managers_share(client: Client) -> None:
    mine = {**node("n1"), "metadata": {"name": "n1", "finalizers": ["a/a"]}}
    client.apply({k: v for k, v in mine.items() if k != "status"}, path=NODES)
    theirs = {**node("n1"), "metadata": {"name": "n1", "finalizers": ["b/b"]}}
    answer = client.apply({k: v for k, v in theirs.items() if k != "status"}, manager="other", path=NODES)
    assert answer.body["metadata"]["finalizers"] == ["a/a", "b/b"]
