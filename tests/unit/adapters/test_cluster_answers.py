"""What the adapter makes of an answer that is none, of a login that is refused, and of no answer at all."""

import pytest
from kubernetes.client.api_client import ApiClient
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.cluster_api import TIMEOUTS_SECONDS
from spiderpool_aws.adapters.cluster_errors import LoginHints
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.domain.errors import Refused, RetryLater
from tests.unit.adapters.doubles import RecordingReporter, Reply, api_client, status
from tests.unit.adapters.test_cluster import POOL, connect, page

RESET = ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer"))
RESET_OF_A_READ = MaxRetryError(None, "/", RESET)  # type: ignore[arg-type]
NO_CUT = [
    pytest.param(ReadTimeoutError(None, "/", "timed out"), id="time-out"),  # type: ignore[arg-type]
    pytest.param(MaxRetryError(None, "/", NewConnectionError(None, "refused")), id="refused"),  # type: ignore[arg-type]
    pytest.param(MaxRetryError(None, "/", SSLError("certificate verify failed")), id="TLS"),  # type: ignore[arg-type]
]


class Doubted(FixedCredentials):
    """Credentials that remember how often the API server did not answer."""

    doubts = 0

    def doubt(self) -> None:
        self.doubts += 1


def test_every_request_has_its_time_outs() -> None:
    cluster, rest, _ = connect(page(), Reply(201, {"metadata": {"name": "a"}, "spec": {"subnet": "10.0.0.0/24"}}))
    cluster.list_pools()
    cluster.apply_pool(POOL)
    assert [sent.timeouts for sent in rest.sent] == [TIMEOUTS_SECONDS] * 2
    assert sum(TIMEOUTS_SECONDS) < 60


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"<html>sign in</html>", "is no JSON", id="a page"),
        pytest.param(b"", "is no JSON", id="nothing"),
        pytest.param([], "is no object", id="an array"),
        pytest.param(None, "is no object", id="null"),
        pytest.param({}, "is no list", id="an empty object"),
        pytest.param({"metadata": {}}, "is no list", id="an object of no kind"),
        pytest.param({"kind": "Status", "metadata": {}}, "is no list", id="an object of another kind"),
    ],
)
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(body: object, words: str) -> None:
    cluster, _, _ = connect(Reply(200, body))
    with pytest.raises(RetryLater, match=f"^list spiderippools.*{words}: does a proxy answer"):
        cluster.list_pools()


@pytest.mark.parametrize("body", [b"<html>", []])
def test_an_answer_that_is_no_object_is_not_read(body: object) -> None:
    cluster, _, _ = connect(Reply(200, body))
    with pytest.raises(RetryLater, match="does a proxy answer"):
        cluster.get_node("n")


@pytest.mark.parametrize(
    "name", ["team/worker-7", "..", ".", "", "n/status", "Worker", "a_b", "a%2fb", "n\n", "n" * 254]
)
def test_what_no_node_can_be_called_is_not_asked_for(name: str) -> None:
    cluster, rest, _ = connect()
    assert cluster.get_node(name) is None
    assert rest.sent == []


@pytest.mark.parametrize("name", ["n", "ip-10-0-0-10.eu-west-1.compute.internal", "7", "n" * 253])
def test_what_a_node_can_be_called_is_asked_for(name: str) -> None:
    cluster, rest, _ = connect(status(404, "not found", "NotFound"))
    assert cluster.get_node(name) is None
    assert rest.sent[0].path == f"/api/v1/nodes/{name}"


@pytest.mark.parametrize("cut", [RESET, RESET_OF_A_READ])
def test_a_read_whose_connection_was_reset_while_idle_is_sent_once_more(cut: Exception) -> None:
    cluster, rest, _ = connect(cut, page())
    assert cluster.list_pools() == []
    assert [sent.method for sent in rest.sent] == ["GET", "GET"]


def test_a_read_that_is_cut_twice_is_left_for_later_and_the_login_doubted() -> None:
    client, rest = api_client(RESET_OF_A_READ, RESET_OF_A_READ)
    credentials = Doubted(client)
    with pytest.raises(RetryLater, match="cannot be reached"):
        ClusterAdapter(credentials, RecordingReporter()).list_pools()
    assert (len(rest.sent), credentials.doubts) == (2, 1)


def test_a_write_whose_connection_was_cut_is_not_sent_twice() -> None:
    cluster, rest, _ = connect(RESET)
    with pytest.raises(RetryLater, match="cannot be reached"):
        cluster.apply_pool(POOL)
    assert len(rest.sent) == 1


@pytest.mark.parametrize("error", NO_CUT)
def test_what_is_no_cut_is_not_repeated_and_the_login_doubted(error: Exception) -> None:
    client, rest = api_client(error)
    credentials = Doubted(client)
    with pytest.raises(RetryLater):
        ClusterAdapter(credentials, RecordingReporter()).list_pools()
    assert (len(rest.sent), credentials.doubts) == (1, 1)


class RotatedToken:
    """Credentials whose first client is refused."""

    hints = LoginHints("renew it", "check the CA")

    def __init__(self, *clients: ApiClient) -> None:
        self.clients = list(clients)

    def client(self) -> ApiClient:
        return self.clients[0]

    def renew(self) -> ApiClient:
        self.clients.pop(0)
        return self.clients[0]

    def doubt(self) -> None:
        raise AssertionError("the API server did answer")


def test_a_token_that_was_rotated_is_read_anew() -> None:
    old, _ = api_client(status(401, "Unauthorized"))
    new, rest = api_client(page())
    assert ClusterAdapter(RotatedToken(old, new), RecordingReporter()).list_pools() == []
    assert len(rest.sent) == 1


def test_a_token_that_is_wrong_twice_says_to_renew_it() -> None:
    old, _ = api_client(status(401, "Unauthorized"))
    new, rest = api_client(status(401, "Unauthorized"))
    with pytest.raises(RetryLater, match=r"refused the token .*renew it"):
        ClusterAdapter(RotatedToken(old, new), RecordingReporter()).list_pools()
    assert len(rest.sent) == 1


class NoCredentials:
    hints = LoginHints("renew it", "check the CA")

    def client(self) -> ApiClient:
        raise Refused("the secret s holds no usable kubeconfig: server is missing")

    renew = client

    def doubt(self) -> None:
        raise AssertionError("nothing was asked")


def test_without_credentials_every_message_waits() -> None:
    with pytest.raises(RetryLater, match="server is missing"):
        ClusterAdapter(NoCredentials(), RecordingReporter()).list_pools()
