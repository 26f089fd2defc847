"""The real `kubernetes` client on both fronts, and what every HTTP client may expect of the served one."""

import http.client
import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes.client
import pytest
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from spiderpool_aws.local.clock import ManualClock, WallClock
from spiderpool_aws.local.cluster import (
    ClusterDouble,
    ClusterOptions,
    ClusterServer,
    Delays,
    Fault,
    connect_in_process,
    serve_cluster,
)
from tests.unit.cluster_double.client import node, pool

# Typed as they are called: the generated models promise less than a test knows.
CoreV1Api: Any = kubernetes.client.CoreV1Api
CustomObjectsApi: Any = kubernetes.client.CustomObjectsApi
CRD = ("spiderpool.spidernet.io", "v2beta1")
RECORDER = Path(__file__).parents[4] / "shared" / "spiderpool-contract" / "record.py"
ANSWERS = Path(__file__).parent / "contract" / "answers.jsonl"


@dataclass
class Front:
    double: ClusterDouble
    client: ApiClient


def client_of(server: ClusterServer) -> ApiClient:
    configuration = Configuration()
    configuration.host = server.url
    configuration.ssl_ca_cert = server.ca_file or None
    configuration.api_key = {"authorization": f"Bearer {server.token}"}
    configuration.retries = False
    return ApiClient(configuration)


@pytest.fixture(params=["in process", "http", "https"])
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    double = ClusterDouble(ManualClock())
    if request.param == "in process":
        client: Any = ApiClient(Configuration())
        connect_in_process(client, double)
        yield Front(double, client)
        return
    server = serve_cluster(double, tls=request.param == "https")
    client = client_of(server)
    yield Front(double, client)
    client.close()
    client.rest_client.close()
    server.stop()


def test_custom_objects_are_created_listed_and_read(front: Front) -> None:
    api = CustomObjectsApi(front.client)
    api.create_cluster_custom_object(*CRD, "spiderippools", pool("a", "10.0.1.11", "10.0.1.10"))
    stored = api.get_cluster_custom_object(*CRD, "spiderippools", "a")
    assert stored["spec"]["ips"] == ["10.0.1.10-10.0.1.11"]
    listed = api.list_cluster_custom_object(*CRD, "spiderippools", label_selector="ipam.spidernet.io/ippool-cidr")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a"]


def test_errors_are_the_clients_own(front: Front) -> None:
    api = CustomObjectsApi(front.client)
    with pytest.raises(ApiException) as caught:
        api.get_cluster_custom_object(*CRD, "spiderippools", "missing")
    assert (caught.value.status, caught.value.reason) == (404, "Not Found")
    assert json.loads(caught.value.body or "")["reason"] == "NotFound"


def test_typed_core_objects_are_read(front: Front) -> None:
    front.double.put({**node("n1"), "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.9"}]}})
    api = CoreV1Api(front.client)
    assert api.read_node("n1").status.addresses[0].address == "10.0.0.9"
    assert [item.metadata.name for item in api.list_node().items] == ["n1"]
    api.delete_node("n1")
    assert front.double.objects("nodes") == []


def test_raw_answers_have_status_headers_and_bytes(front: Front) -> None:
    front.double.put(node("n1"))
    api = CoreV1Api(front.client)
    raw = api.read_node("n1", _preload_content=False)
    assert (raw.status, raw.reason) == (200, "OK")
    assert json.loads(raw.data)["kind"] == "Node"


def test_the_rest_layer_below_the_api_classes_gets_answers_of_every_status(front: Front) -> None:
    client: Any = front.client
    for path, status, kind in (("/api/v1/nodes", 200, "NodeList"), ("/api/v1/nodes/n1", 404, "Status")):
        response = client.call_api(*client.param_serialize("GET", path, auth_settings=["BearerToken"]))
        data = response.read()
        assert (response.status, json.loads(data)["kind"]) == (status, kind)
        assert response.getheader("Content-Length") == str(len(data))
        assert response.getheaders()["Content-Type"] == "application/json"


def test_a_server_that_is_busy_says_when_to_come_back(front: Front) -> None:
    with front.double.failing(Fault.status(429, 3)), pytest.raises(ApiException) as caught:
        CoreV1Api(front.client).read_node("n1")
    assert (caught.value.status, (caught.value.headers or {})["Retry-After"]) == (429, "3")


@pytest.mark.parametrize("fault", [Fault.cut(), Fault.unavailable()])
def test_without_an_answer_the_client_gets_urllib3s_error(front: Front, fault: Fault) -> None:
    api = CustomObjectsApi(front.client)
    with front.double.failing(fault), pytest.raises(HTTPError):
        api.create_cluster_custom_object(*CRD, "spiderippools", pool("a", "10.0.1.10"))
    assert len(front.double.objects("spiderippools")) == (1 if fault.kind == "cut" else 0)


def test_in_process_the_token_decides_who_the_client_is() -> None:
    double = ClusterDouble(ManualClock())
    users = []
    double.observe(lambda write: users.append(write.user))
    for token in (None, double.admin_token):
        client = ApiClient(Configuration())
        connect_in_process(client, double, token)
        CoreV1Api(client).create_node(node(token or "n"))
    assert users == ["spiderpool-aws", "admin"]
    client = ApiClient(Configuration())
    connect_in_process(client, double, "wrong")
    with pytest.raises(ApiException) as caught:
        CoreV1Api(client).read_node("n")
    assert caught.value.status == 401


def test_a_client_that_does_not_know_the_authority_is_not_served() -> None:
    server = serve_cluster(ClusterDouble(ManualClock()))
    connection = http.client.HTTPSConnection(urlsplit(server.url).netloc, context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/version")
    connection.close()
    server.stop()


def test_one_connection_serves_many_requests_and_stopping_ends_it() -> None:
    server = serve_cluster(ClusterDouble(ManualClock()), tls=False)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    connection.connect()
    socket_used = connection.sock
    for _ in range(3):
        connection.request("GET", "/version", headers={"Authorization": f"Bearer {server.token}"})
        assert json.loads(connection.getresponse().read())["major"] == "1"
        assert connection.sock is socket_used
    threads = threading.active_count()
    server.stop()
    assert threading.active_count() == threads - 2
    connection.close()


def test_stopping_removes_the_certificate_and_frees_the_port() -> None:
    server = serve_cluster(ClusterDouble(ManualClock()))
    port = urlsplit(server.url).port or 0
    assert Path(server.ca_file).read_text(encoding="ascii").startswith("-----BEGIN CERTIFICATE-----")
    with pytest.raises(OSError, match="in use"):
        serve_cluster(ClusterDouble(ManualClock()), port)
    server.stop()
    assert not Path(server.ca_file).exists()
    serve_cluster(ClusterDouble(ManualClock()), port).stop()


def test_requests_of_many_threads_are_answered_one_after_the_other() -> None:
    double = ClusterDouble(ManualClock())
    server = serve_cluster(double)

    def create(number: int) -> None:
        client: Any = client_of(server)
        CustomObjectsApi(client).create_cluster_custom_object(
            *CRD, "spiderippools", pool(f"p{number}", f"10.0.1.{number}")
        )
        client.rest_client.close()

    threads = [threading.Thread(target=create, args=(number,)) for number in range(2, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()
    versions = {item["metadata"]["resourceVersion"] for item in double.objects("spiderippools")}
    assert len(versions) == 8


@pytest.mark.skipif(not RECORDER.exists(), reason="the recorder of the contract is not beside this checkout")
@pytest.mark.parametrize("tls", [False, True])
def test_the_recorder_of_the_contract_agrees_on_all_answers(tls: bool) -> None:
    delays = Delays(status=0.0, finalizer=0.01, attachment=0.01)
    server = serve_cluster(ClusterDouble(WallClock(), options=ClusterOptions(delays=delays)), tls=tls)
    command = [sys.executable, str(RECORDER), "--server", server.url, "--token", server.token]
    command += ["--compare", str(ANSWERS), "--wait", "0.1"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    server.stop()
    assert run.stdout.strip() == "64 of 64 answers agree"
    assert run.returncode == 0


def test_each_list_has_the_objects_as_they_are_stored_now(front: Front) -> None:
    api = CustomObjectsApi(front.client)

    def listed() -> Any:
        return api.list_cluster_custom_object(*CRD, "spiderippools")["items"]

    assert listed() == []
    for pools in ([pool("a"), pool("b", "10.0.1.20")], [pool("b", "10.0.1.30-10.0.1.31")]):
        for one in pools:
            front.double.put(one)
        assert listed() == listed() == front.double.objects("spiderippools")
