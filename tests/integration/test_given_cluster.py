"""`KUBECONFIG=… make e2e`: what is no use is refused in one line, and a cluster that cannot serve is left as it was."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from spiderpool_aws.local.cluster import Answer, ClusterServer
from spiderpool_aws.manifests.rbac import NAME
from tests.e2e import api
from tests.e2e.cluster import GivenCluster
from tests.e2e.given import Given, UnusableError, read_kubeconfig
from tests.e2e.real_world import RealWorld
from tests.integration.adapters.kubeconfigs import kubeconfig
from tests.unit.adapters.certificates import CERTIFICATE, KEY

ROOT = Path(__file__).parents[2]
CLUSTER_ROLE = f"{api.RBAC}/clusterroles/{NAME}"
REFUSED = 'failed calling webhook "x": dial tcp 127.0.0.1:1: connect: connection refused'
SILENT = 'failed calling webhook "x": context deadline exceeded'
Json = dict[str, Any]


class FarApiServer:
    """Stores what is applied. It does not reach this host: with a webhook registered, it refuses what is created."""

    token = "admin"

    def __init__(self) -> None:
        self.stored: dict[str, Json] = {}
        self.applied: list[str] = []
        self.asked = 0
        self.serves_crds = True
        self.says = REFUSED

    def request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> Answer:
        self.asked += 1
        if method == "PATCH":
            self.applied.append(path)
            self.stored[path] = json.loads(body)
            return Answer(200, self.stored[path])
        if method == "DELETE":
            return Answer(200 if self.stored.pop(path, None) else 404, {})
        if method == "POST":
            is_judged = any("webhookconfigurations/" in one for one in self.stored)
            return Answer(500, {"message": self.says}) if is_judged else Answer(201, json.loads(body))
        return self._get(path)

    def _get(self, path: str) -> Answer:
        if path in self.stored:
            return Answer(200, self.stored[path])
        plurals = {one["spec"]["names"]["plural"] for one in self.stored.values() if "names" in one.get("spec", {})}
        last = path.rpartition("/")[2]
        if last.endswith("webhookconfigurations") or (self.serves_crds and last in plurals):
            return Answer(200, {"items": [one for at, one in self.stored.items() if at.startswith(f"{path}/")]})
        return Answer(404, {"message": "not found"})


@pytest.fixture
def far() -> FarApiServer:
    return FarApiServer()


@pytest.fixture
def file(far: FarApiServer, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of the server."""
    path = tmp_path / "config"
    with ClusterServer(far) as server:
        path.write_text(kubeconfig(server.url, server.ca_pem, server.token))
        yield path


@pytest.fixture
def given(file: Path) -> Iterator[GivenCluster]:
    cluster = GivenCluster(read_kubeconfig(str(file)))
    yield cluster
    cluster.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = api.wait_until
    monkeypatch.setattr(api, "wait_until", lambda what, holds: wait(what, holds, 0.1))


def edited(change: Callable[[Json], object]) -> str:
    document = yaml.safe_load(kubeconfig("https://127.0.0.1:1", CERTIFICATE.decode(), "t"))
    change(document)
    return yaml.safe_dump(document)


def cluster_of(document: Json) -> Json:
    found: Json = document["clusters"][0]["cluster"]
    return found


def user(**changes: object) -> Callable[[Json], object]:
    return lambda document: document["users"][0].update(user=changes)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("says", [REFUSED, SILENT])
def test_a_cluster_that_does_not_reach_the_webhooks_is_left_as_it_was(
    far: FarApiServer, given: GivenCluster, says: str
) -> None:
    far.says = says
    given.admin.request("GET", "/version")
    threads = set(threading.enumerate())
    with pytest.raises(UnusableError, match=r"does not reach the webhooks .* has to run on this host"):
        RealWorld(given)
    assert len([path for path in far.applied if "webhookconfigurations" in path]) == 2
    assert far.stored == {}
    assert set(threading.enumerate()) == threads


@pytest.mark.usefixtures("impatient")
def test_a_cluster_that_does_not_serve_the_crds_is_left_as_it_was(far: FarApiServer, given: GivenCluster) -> None:
    far.serves_crds = False
    with pytest.raises(TimeoutError, match="the CRDs are served"):
        RealWorld(given)
    assert far.applied
    assert far.stored == {}


def test_a_cluster_with_the_products_own_rights_is_refused_and_keeps_them(far: FarApiServer, file: Path) -> None:
    far.stored[CLUSTER_ROLE] = {"kind": "ClusterRole"}
    with pytest.raises(UnusableError, match=f"has {CLUSTER_ROLE}, which the tests would delete"):
        GivenCluster(read_kubeconfig(str(file)))
    assert (list(far.stored), far.applied) == ([CLUSTER_ROLE], [])


def run_e2e(path: str, **environment: str) -> tuple[int, list[str]]:
    """Run one file of the end-to-end tests on a cluster; return the exit code and the lines that were printed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/e2e/test_adapter.py"]
    variables = {**os.environ, "KUBECONFIG": path, **environment}
    ended = subprocess.run(  # noqa: S603 - our own tests
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120
    )
    return ended.returncode, [line for line in ended.stdout.splitlines() if line]


def test_a_cluster_that_nobody_allowed_is_named_and_not_asked_anything(far: FarApiServer, file: Path) -> None:
    server = read_kubeconfig(str(file)).server
    for allowed in ("", "https://another:6443"):
        code, lines = run_e2e(str(file), E2E_ALLOW=allowed)
        assert (code, lines[0]) == (1, f"KUBECONFIG: context test, server {server}")
        assert f"set E2E_ALLOW={server}" in lines[-1]
    assert far.asked == 0


def test_a_cluster_that_cannot_serve_is_no_success_of_skipped_tests(far: FarApiServer, file: Path) -> None:
    code, lines = run_e2e(str(file), E2E_ALLOW=read_kubeconfig(str(file)).server)
    assert code == 1
    assert [line for line in lines if "the cluster cannot be used" in line and "has to run on this host" in line]
    assert "Traceback" not in " ".join(lines)
    assert far.stored == {}


def test_a_kubeconfig_that_is_no_use_ends_the_run_in_one_line(tmp_path: Path) -> None:
    code, lines = run_e2e(str(tmp_path / "none"))
    assert code == 1
    said = f"KUBECONFIG: {tmp_path / 'none'} cannot be read (No such file or directory)"
    # pytest says once more what it ended with.
    assert len(lines) <= 2
    assert all(said in line for line in lines)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("none", "none cannot be read (No such file or directory)", id="no file"),
        pytest.param("~/none", "~/none cannot be read (No such file or directory)", id="a home that nobody expanded"),
        pytest.param("none:other", "it names several files: give one", id="two files"),
        pytest.param(".", "cannot be read (Is a directory)", id="a folder"),
    ],
)
def test_a_path_that_is_no_file_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnusableError, match=f"^[^\n]*{re.escape(words)}[^\n]*$"):
        read_kubeconfig(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "is no kubeconfig", id="empty"),
        pytest.param(b"hello", "is no kubeconfig", id="plain text"),
        pytest.param(b"\xff\xfe", "is not text", id="no text"),
        pytest.param(b"a: [", "is not YAML (line 1)", id="no YAML"),
        pytest.param(b"a: 1", "has no current-context: choose one, kubectl config use-context", id="another file"),
        pytest.param(b"current-context: a", "has no context 'a' in its contexts", id="no contexts"),
        pytest.param(b"current-context: a\ncontexts: 7", "has no context 'a' in its contexts", id="a number"),
        pytest.param(b"current-context: a\ncontexts: [7, {name: a}]", "has no context 'a'", id="half an entry"),
        pytest.param(edited(lambda d: d.update(clusters=None)), "has no cluster 'test'", id="no cluster"),
        pytest.param(edited(lambda d: d.update(users=[])), "has no user 'test'", id="no user"),
        pytest.param(edited(lambda d: cluster_of(d).pop("server")), "a server that is no use", id="no server"),
        pytest.param(edited(lambda d: cluster_of(d).update(server="http://x")), "is not https", id="no TLS"),
        pytest.param(
            edited(lambda d: cluster_of(d).pop("certificate-authority-data")),
            "has no certificate-authority",
            id="no CA",
        ),
        pytest.param(
            edited(lambda d: cluster_of(d).update({"certificate-authority-data": "%"})), "is not base64", id="no base64"
        ),
        pytest.param(
            edited(lambda d: cluster_of(d).update({"certificate-authority-data": "eA=="})),
            "is no certificate",
            id="no PEM",
        ),
        pytest.param(
            edited(
                lambda d: d["clusters"][0].update(cluster={"server": "https://x", "certificate-authority": "ca.crt"})
            ),
            "ca.crt cannot be read (No such file or directory)",
            id="no such CA file",
        ),
        pytest.param(edited(user(exec={})), "(it has exec): the tests run no command", id="a command"),
        pytest.param(edited(user()), "without token or client certificate:", id="no login"),
        pytest.param(edited(user(token="a\nb")), "has a token that is no use", id="a wrapped token"),
    ],
)
def test_a_file_that_is_no_use_is_told_in_one_line(tmp_path: Path, content: bytes | str, words: str) -> None:
    file = tmp_path / "config"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UnusableError, match=f"^{re.escape(str(tmp_path))}[^\n]*{re.escape(words)}[^\n]*$"):
        read_kubeconfig(str(file))


def test_a_cluster_that_does_not_answer_is_told_in_one_line_and_leaves_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, rest = tmp_path / "config", tmp_path / "temporary"
    rest.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(rest))
    pair = {"client-certificate-data": CERTIFICATE, "client-key-data": KEY}
    file.write_text(edited(user(**{name: base64.b64encode(pem).decode() for name, pem in pair.items()})))
    with pytest.raises(UnusableError, match=r"^https://127\.0\.0\.1:1 of [^\n]* does not answer: [^\n]*refused[^\n]*$"):
        GivenCluster(read_kubeconfig(str(file)))
    assert list(rest.iterdir()) == []


def test_a_token_is_in_no_representation_of_what_was_read(file: Path) -> None:
    read: Given = read_kubeconfig(str(file))
    assert (read.context, read.login) == ("test", {"Authorization": "Bearer admin"})
    assert "Bearer" not in repr(read)
    assert "'admin'" not in repr(read)
