"""The API server of the tests does what the tests rely on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from urllib3.exceptions import HTTPError

from spiderpool_aws.local.cluster.certificates import make_server_context
from tests.e2e import api
from tests.e2e.apiserver import ApiServer
from tests.e2e.processes import StartError

AUTHENTICATION = """
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
  - issuer: {url: "https://issuer.example", audiences: [prod]}
    claimMappings: {username: {claim: sub, prefix: "aws:"}}
"""


@pytest.fixture(scope="module")
def server(binary: Path) -> Iterator[ApiServer]:
    """One that trusts an issuer beside its tokens."""
    started = ApiServer(binary, AUTHENTICATION)
    yield started
    started.stop()


def test_what_is_stored_outlives_a_crash_of_the_api_server(server: ApiServer) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "survivor"}}
    uid = server.admin.expect("POST", api.NODES, node)["metadata"]["uid"]
    before = server.pids["kube-apiserver"]
    server.restart()
    assert server.pids["kube-apiserver"] != before
    assert server.admin.expect("GET", f"{api.NODES}/survivor")["metadata"]["uid"] == uid


def test_a_user_without_rights_is_told_what_is_missing(server: ApiServer) -> None:
    answer = server.product.request("GET", api.NODES)
    assert (answer.status, 'cannot list resource "nodes"' in answer.body["message"]) == (403, True)


def test_a_token_that_nobody_has_is_refused(server: ApiServer) -> None:
    stranger = server.log_in("stranger")
    assert stranger.request("GET", api.NODES).status == 401
    stranger.close()


def test_a_client_with_another_authority_does_not_talk_to_it(server: ApiServer, tmp_path: Path) -> None:
    make_server_context(tmp_path)
    stranger = api.Api(server.url, (tmp_path / "ca.crt").read_text(), {})
    with pytest.raises(HTTPError, match="certificate verify failed"):
        stranger.request("GET", "/version")
    stranger.close()


def test_a_server_that_does_not_start_says_what_it_logged(binary: Path) -> None:
    with pytest.raises(StartError, match="unknown field"):
        ApiServer(binary, AUTHENTICATION.replace("claimMappings", "claimMapping"))
