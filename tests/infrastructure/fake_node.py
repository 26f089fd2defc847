"""A node for the user data's scripts: a root folder, instance metadata on loopback, and recorded commands."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

FAKE_IP = Path(__file__).with_name("fake_ip.py")
TOKEN = "token-of-imdsv2"
MACS = {0: "02:00:00:00:00:10", 1: "02:00:00:00:00:11", 2: "02:00:00:00:00:12"}


def scripts(user_data: str) -> dict[str, str]:
    """Return the parts of a multipart user data by their names."""
    parts = message_from_string(user_data).get_payload()
    assert isinstance(parts, list)
    return {str(part.get_filename()): str(part.get_payload()) for part in parts}  # type: ignore[union-attr]


class Metadata(BaseHTTPRequestHandler):
    """Instance metadata, version 2 only."""

    values: dict[str, str]
    failing: set[str]
    """What is answered with an error, once."""
    stale: dict[str, str]
    """What is answered in place of a value, once."""

    def do_PUT(self) -> None:
        self._answer(TOKEN if self.path == "/latest/api/token" else None)

    def do_GET(self) -> None:
        if self.headers["X-aws-ec2-metadata-token"] != TOKEN:
            self.send_error(HTTPStatus.UNAUTHORIZED)
            return
        path = self.path.removeprefix("/latest/meta-data/")
        self._answer(self.stale.pop(path, None) or self.values.get(path))

    def _answer(self, text: str | None) -> None:
        path = self.path.removeprefix("/latest/").removeprefix("meta-data/")
        if path in self.failing:
            self.failing.remove(path)
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        body = (text or "").encode()
        self.send_response(HTTPStatus.NOT_FOUND if text is None else HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class FakeNode:
    """One node; what its commands were called with is in `calls`."""

    root: Path
    url: str
    metadata: dict[str, str]
    commands: Path
    parts: dict[str, str]
    failing: set[str]
    """Paths of metadata, and `api/token`, whose next answer is an error."""
    stale: dict[str, str]
    """Metadata that the next answer still has in place of those in `metadata`."""
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.metadata.update({"local-ipv4": "10.0.0.10", "placement/region": "eu-west-1"})
        self.commands.mkdir()
        for name in ("systemctl", "networkctl", "sleep"):
            self.command(name, "")
        self.command("ip", f'exec {sys.executable} -IS {FAKE_IP} "{self.net}" "{self.root}/rules" "$@"')

    @property
    def net(self) -> Path:
        return self.root / "sys/class/net"

    def command(self, name: str, body: str) -> None:
        """Put a command on the node's path; each call is recorded."""
        file = self.commands / name
        record = f'echo "{name} $*" >>"{self.root}/calls"'
        file.write_text(f"#!/bin/bash\n{record}\n{body}\n", encoding="ascii")
        file.chmod(0o755)

    def nic(self, name: str, index: int, *, ipv6s: str = "", addresses: tuple[str, ...] = (), card: int = 0) -> None:
        """Attach a NIC: the kernel calls it so, the metadata know its device index."""
        folder, mac = self.net / name, MACS[index + card]
        (folder / "device").mkdir(parents=True)
        (folder / "address").write_text(f"{mac}\n", encoding="ascii")
        (folder / "up").touch()
        (folder / "addresses").write_text("".join(f"{address}\n" for address in addresses), encoding="ascii")
        self.known(mac, {"device-number": str(index), "network-card": str(card), "interface-id": f"eni-{index}"})
        if ipv6s:
            self.known(mac, {"ipv6s": ipv6s})

    def known(self, mac: str, values: dict[str, str]) -> None:
        """Let the metadata know of a NIC."""
        macs = self.metadata.get("network/interfaces/macs/", "").split()
        self.metadata["network/interfaces/macs/"] = "\n".join(dict.fromkeys([*macs, f"{mac}/"]))
        self.metadata.update({f"network/interfaces/macs/{mac}/{key}": value for key, value in values.items()})

    def run(self, part: str) -> subprocess.CompletedProcess[str]:
        """Run one of the user data's scripts."""
        paths = {"SPIDERPOOL_AWS_ROOT": str(self.root), "SPIDERPOOL_AWS_IMDS": self.url, "no_proxy": "*"}
        environment = os.environ | {"PATH": f"{self.commands}:{os.environ['PATH']}"} | paths | self.environment
        (self.root / "calls").unlink(missing_ok=True)
        return subprocess.run(  # noqa: S603
            ["/bin/bash", "-c", self.parts[part]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """Return the commands of the last run."""
        file = self.root / "calls"
        return file.read_text(encoding="ascii").splitlines() if file.exists() else []

    def read(self, path: str) -> str:
        """Return a file's text, without the comments that no program reads."""
        return (self.root / path).read_text(encoding="ascii")

    def addresses(self, nic: str) -> list[str]:
        """Return what is left on a NIC."""
        return self.read(f"sys/class/net/{nic}/addresses").split()


@contextmanager
def fake_node(folder: Path, user_data: str) -> Iterator[FakeNode]:
    """Return a node that has booted with this user data."""
    values: dict[str, str] = {}
    failing: set[str] = set()
    stale: dict[str, str] = {}
    handler = type("Handler", (Metadata,), {"values": values, "failing": failing, "stale": stale})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        root = folder / "root"
        root.mkdir()
        url = f"http://127.0.0.1:{server.server_port}"
        yield FakeNode(root, url, values, folder / "bin", scripts(user_data), failing, stale)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
