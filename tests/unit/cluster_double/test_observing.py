"""What observers and the log see, who is let in, and the faults that can be injected."""

import pytest

from spiderpool_aws.local.cluster import ClusterDouble, ClusterWrite, ConnectionCutError, Fault, UnavailableError
from tests.unit.cluster_double.client import NODES, POOLS, Client, node, pool
from tests.unit.cluster_double.scene import Scene, pool4


def watched(client: Client) -> list[ClusterWrite]:
    writes: list[ClusterWrite] = []
    client.double.observe(writes.append)
    return writes


def test_observers_see_every_write_with_the_state_before_and_after() -> None:
    client = Client()
    writes = watched(client)
    client.apply(pool("a", "10.0.1.10"))
    client.merge(f"{POOLS}/a", {"spec": {"disable": True}}, fieldManager="kubectl-edit")
    client.send("DELETE", f"{POOLS}/a")
    assert [(write.verb, write.resource, write.name, write.status) for write in writes] == [
        ("patch", "spiderippools", "a", 201),
        ("patch", "spiderippools", "a", 200),
        ("delete", "spiderippools", "a", 200),
    ]
    assert [write.field_manager for write in writes[:2]] == ["spiderpool-aws", "kubectl-edit"]
    assert {write.user for write in writes} == {"spiderpool-aws"}
    created, changed, deleted = writes
    assert created.before is None
    assert changed.before == created.after
    assert changed.after is not None
    assert changed.after["spec"]["disable"] is True
    assert deleted.after is not None
    assert "deletionTimestamp" in deleted.after["metadata"]


def test_observers_see_refused_writes_with_their_status() -> None:
    client = Client()
    client.double.put(pool("a", "10.0.1.10"))
    writes = watched(client)
    client.apply(pool("b", "10.0.1.10"))
    client.merge(f"{POOLS}/a", {"spec": {"subnet": "10.0.2.0/24"}})
    client.send("DELETE", f"{NODES}/n1")
    assert [(write.name, write.status, write.after) for write in writes] == [
        ("b", 422, None), ("a", 422, None), ("n1", 404, None),
    ]  # fmt: skip
    assert writes[1].before is not None
    assert writes[0].before is writes[2].before is None


def test_observers_see_what_the_controller_the_agent_and_the_administrator_write() -> None:
    client = Scene()
    writes = watched(client)
    client.double.put(pool4("b", "10.0.1.99", nodeName=["n2"]))
    client.clock.advance(1)
    client.run()
    assert {(write.user, write.subresource) for write in writes if write.resource == "spiderippools"} == {
        ("admin", ""), ("spiderpool-controller", "status"), ("spiderpool-agent", "status"),
    }  # fmt: skip


def test_a_dry_run_is_not_shown_and_a_write_without_change_is() -> None:
    client = Client()
    client.apply(pool("a", "10.0.1.10"))
    writes = watched(client)
    client.apply(pool("a", "10.0.1.11"), dryRun="All")
    client.apply(pool("b", "10.0.1.10"), dryRun="All")
    assert writes == []
    client.apply(pool("a", "10.0.1.10"))
    assert len(writes) == 1
    assert writes[0].before == writes[0].after


def test_the_log_has_every_request_and_only_requests() -> None:
    client = Scene()
    client.double.requests.clear()
    client.run()
    client.apply(pool4("a", "10.0.1.10-10.0.1.13"), force="true")
    client.send("GET", f"{POOLS}/a")
    client.send("GET", POOLS)
    client.send("POST", NODES, node("n2"))
    client.merge(f"{NODES}/n2/status", {"status": {}})
    client.send("DELETE", f"{NODES}/n3")
    assert client.double.requests == [
        ("patch", "spiderippools", 200),
        ("get", "spiderippools", 200),
        ("list", "spiderippools", 200),
        ("create", "nodes", 201),
        ("patch", "nodes/status", 200),
        ("delete", "nodes", 404),
    ]


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic product-token", "Bearer"])
def test_without_a_token_that_somebody_has_nobody_is_let_in(header: str | None) -> None:
    double = Client().double
    answer = double.request("GET", POOLS, {}, {"Authorization": header} if header else {}, None)
    assert (answer.status, answer.body["reason"]) == (401, "Unauthorized")


def test_the_administrator_is_another_user_than_the_product() -> None:
    client = Client()
    writes = watched(client)
    headers = {"authorization": f"Bearer {client.double.admin_token}", "content-type": "application/json"}
    assert client.double.request("POST", NODES, {}, headers, node("n1")).status == 201
    assert writes[0].user == "admin"


def test_a_double_can_have_another_token() -> None:
    client = Client()
    assert (
        ClusterDouble(client.clock, token="mine").request("GET", POOLS, {}, {"Authorization": "Bearer mine"}).status
        == 200
    )


def test_put_replaces_what_is_there_status_included() -> None:
    client = Client()
    first = client.double.put({**node("n1"), "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}})
    client.double.put({**first, "spec": {"providerID": "aws:///a/i-1"}})
    assert client.double.objects("nodes")[0]["spec"] == {"providerID": "aws:///a/i-1"}
    replaced = client.double.put({**node("n1", providerID="aws:///a/i-1"), "status": {"addresses": []}})
    assert replaced["metadata"]["uid"] == first["metadata"]["uid"]
    assert replaced["status"] == {"addresses": []}


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_status_fault_answers_before_any_effect(code: int) -> None:
    client = Client()
    with client.double.failing(Fault.status(code, 7)):
        answer = client.apply(pool("a", "10.0.1.10"))
    assert (answer.status, answer.headers["Retry-After"]) == (code, "7")
    assert client.double.objects("spiderippools") == []
    assert client.apply(pool("a", "10.0.1.10")).status == 201


def test_a_cut_has_its_effect_and_no_answer() -> None:
    client = Client()
    with client.double.failing(Fault.cut()), pytest.raises(ConnectionCutError):
        client.apply(pool("a", "10.0.1.10"))
    assert len(client.double.objects("spiderippools")) == 1


def test_a_refused_connection_has_no_effect_and_no_answer() -> None:
    client = Client()
    with client.double.failing(Fault.unavailable()), pytest.raises(UnavailableError):
        client.apply(pool("a", "10.0.1.10"))
    assert client.double.objects("spiderippools") == []


def test_a_hook_chooses_the_requests_that_fail() -> None:
    client = Client()
    seen: list[tuple[str, str]] = []

    def hook(method: str, path: str) -> Fault | None:
        seen.append((method, path))
        return Fault.status(503) if path == NODES else None

    end = client.double.inject(hook)
    assert (client.send("GET", NODES).status, client.send("GET", POOLS).status) == (503, 200)
    end()
    assert client.send("GET", NODES).status == 200
    assert seen == [("GET", NODES), ("GET", POOLS)]
