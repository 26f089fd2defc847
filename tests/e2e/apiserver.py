"""A real kube-apiserver with etcd on loopback: RBAC on, a certificate authority of its own, users by token."""

import base64
import tempfile
from pathlib import Path

import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.local.cluster.certificates import make_server_context
from tests.e2e.api import Api, bearer, wait_until
from tests.e2e.processes import Child, free_ports

ADMIN_TOKEN = "e2e-admin"
PRODUCT_TOKEN = "e2e-product"
SEEDER_TOKEN = "e2e-seeder"
PRODUCT = "spiderpool-aws"
SEEDER = "e2e-seeder"
"""An administrator whom the webhooks pass over."""
_USERS = (
    f'{ADMIN_TOKEN},e2e-admin,1,"system:masters"',
    f"{PRODUCT_TOKEN},{PRODUCT},2",
    f'{SEEDER_TOKEN},{SEEDER},3,"system:masters"',
)
_ISSUER = "https://kubernetes.default.svc"


class ApiServer:
    """A running API server: `url`, `ca_pem`, a client for each user (`admin`, `product`, `seeder`), `stop`.

    Its data and logs are in a temporary folder.

    `authentication_config` is the text of an AuthenticationConfiguration, for users beside those with a token.
    """

    def __init__(self, binary: Path, authentication_config: str = "") -> None:
        self._binary = str(binary)
        self._folder = tempfile.TemporaryDirectory(prefix="spiderpool-aws-e2e-")
        self.folder = Path(self._folder.name)
        self._port, self.etcd_port, self._peer_port = free_ports(3)
        _context, ca_file = make_server_context(self.folder)
        self.ca_pem = ca_file.read_text()
        self.url = f"https://127.0.0.1:{self._port}"
        self._write_files(authentication_config)
        self._children: dict[str, Child] = {}
        self.admin = self.log_in(ADMIN_TOKEN)
        self.product = self.log_in(PRODUCT_TOKEN)
        self.seeder = self.log_in(SEEDER_TOKEN)
        try:
            self._start("etcd", self._etcd_flags())
            self.start_apiserver()
        except BaseException:
            self.stop()
            raise

    def log_in(self, token: str) -> Api:
        """Return a client with a token."""
        return Api(self.url, self.ca_pem, bearer(token))

    def _write_files(self, authentication_config: str) -> None:
        (self.folder / "tokens.csv").write_text("\n".join(_USERS) + "\n")
        key = ec.generate_private_key(ec.SECP256R1())
        # Not PKCS 8: the public half is read from the same file, and of that form it is not found.
        form = serialization.PrivateFormat.TraditionalOpenSSL
        pem = serialization.Encoding.PEM, form, serialization.NoEncryption()
        (self.folder / "accounts.pem").write_bytes(key.private_bytes(*pem))
        if authentication_config:
            (self.folder / "authentication.yaml").write_text(authentication_config)

    def _etcd_flags(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.etcd_port, self._peer_port))
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            # The data lives as long as the tests: nothing is lost that anybody wants back.
            "--unsafe-no-fsync",
        ]

    def _apiserver_flags(self) -> list[str]:
        accounts, chain = self.folder / "accounts.pem", self.folder / "server.pem"
        flags = [
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            # It would register the address above as an endpoint, and loopback is not allowed as one.
            "--endpoint-reconciler-type=none",
            f"--secure-port={self._port}",
            f"--cert-dir={self.folder}",
            f"--tls-cert-file={chain}",
            f"--tls-private-key-file={chain}",
            f"--service-account-key-file={accounts}",
            f"--service-account-signing-key-file={accounts}",
            f"--service-account-issuer={_ISSUER}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.255.0.0/24",
            # It waits for a controller that is not here, and no pod could be created.
            "--disable-admission-plugins=ServiceAccount",
        ]
        authentication = self.folder / "authentication.yaml"
        return flags + ([f"--authentication-config={authentication}"] if authentication.exists() else [])

    def _start(self, name: str, flags: list[str]) -> None:
        self._children[name] = Child(name, [self._binary, name, *flags], self.folder / f"{name}.log")

    def start_apiserver(self) -> None:
        """Start the API server, on the same port and data as before, and wait until it is ready."""
        self._start("kube-apiserver", self._apiserver_flags())
        try:
            wait_until("kube-apiserver is ready", self._is_ready)
        except TimeoutError as error:
            error.add_note(self._children["kube-apiserver"].tail())
            raise

    def kill_apiserver(self) -> None:
        """End the API server at once, as a crash does; etcd goes on."""
        self._children.pop("kube-apiserver").kill()

    def restart(self) -> None:
        """Kill the API server and start it again."""
        self.kill_apiserver()
        self.start_apiserver()

    def compact(self) -> None:
        """Let etcd forget every version but the newest, as the API server has it do after some minutes."""
        pool = urllib3.PoolManager(retries=False)

        def call(operation: str, **body: object) -> Json:
            url = f"http://127.0.0.1:{self.etcd_port}/v3/kv/{operation}"
            answer = pool.request("POST", url, json=body)
            assert answer.status == 200, answer.data
            document: Json = answer.json()
            return document

        revision = call("range", key=_encoded("/"))["header"]["revision"]
        # By this key the API server's processes tell each other what is compacted; its cache drops what is older.
        call("put", key=_encoded("compact_rev_key"), value=_encoded(str(revision)))
        call("compaction", revision=revision, physical=True)
        pool.clear()

    def _is_ready(self) -> bool:
        for child in self._children.values():
            child.require_alive()
        try:
            ready = self.admin.request("GET", "/readyz").status == 200
            # These two it makes itself, some time after it calls itself ready.
            names = ("default", "kube-system")
            return ready and all(
                self.admin.request("GET", f"/api/v1/namespaces/{name}").status == 200 for name in names
            )
        except urllib3.exceptions.HTTPError:
            return False

    @property
    def pids(self) -> dict[str, int]:
        """Return the processes' ids by name."""
        return {name: child.pid for name, child in self._children.items()}

    def stop(self) -> None:
        """Stop both; returns when neither process nor file is left."""
        for client in (self.admin, self.product, self.seeder):
            client.close()
        # The API server first: without etcd it would wait for it.
        for name in ("kube-apiserver", "etcd"):
            if child := self._children.pop(name, None):
                child.stop()
        self._folder.cleanup()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
