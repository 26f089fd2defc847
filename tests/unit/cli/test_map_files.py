"""The files that a map is written to: one page that needs nothing else, an SVG, and nothing that ends up as markup."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from spiderpool_aws.cli.cluster_map.model import map_document
from spiderpool_aws.cli.cluster_map.page import SCRIPTS, page
from spiderpool_aws.cli.cluster_map.svg import svg_of
from spiderpool_aws.cli.reading import read
from stacks.assets import package
from tests.unit.cli.map_fleet import MapFleet

ROOT = Path(__file__).parents[3]
PAGE = "spiderpool_aws.cli.cluster_map"
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'{{script}}\u2028"
SVG = "{http://www.w3.org/2000/svg}"


def attacked() -> dict[str, Any]:
    """A map in which whoever can name a pod or tag a subnet has tried."""
    fleet = MapFleet(3)
    pool = fleet.pool(0)
    fleet.put(replace(pool, users=dict.fromkeys(pool.users, f"shop/{EVIL}") | {next(iter(pool.spec.ips)): EVIL}))
    subnets = fleet.ec2.known_subnets
    subnets["subnet-0-0"] = replace(subnets["subnet-0-0"], tags={"Name": EVIL})
    return map_document(read(fleet.world()))


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def sources() -> Iterator[str]:
    for file in files(PAGE).joinpath("page").iterdir():
        yield file.name


def test_nothing_in_the_data_becomes_markup() -> None:
    plain, evil = (Elements(page(document)).found for document in (map_document(read(MapFleet(3).world())), attacked()))
    assert [tag for tag, _ in evil] == [tag for tag, _ in plain]
    assert [attributes for _, attributes in evil] == [attributes for _, attributes in plain]


def test_the_data_is_whole_whatever_is_in_it() -> None:
    document = attacked()
    (embedded,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page(document), re.DOTALL)
    assert json.loads(embedded) == json.loads(json.dumps(document))


def test_a_clusters_name_is_text_in_the_title() -> None:
    text = page({**map_document(read(MapFleet(0).world())), "cluster": "<b>"})
    assert "<title>&lt;b&gt;: map of nodes and addresses</title>" in text


def test_the_page_asks_for_nothing_and_lets_its_own_script_run_only() -> None:
    text = page(attacked())
    for tag, attributes in Elements(text).found:
        assert not {"src", "action", "ping"} & set(attributes)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert (attributes.get("href") or "#").startswith("#") or (tag, attributes["href"]) == ("link", "data:,")
    (policy,) = [a["content"] for tag, a in Elements(text).found if "http-equiv" in a]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert not re.search(
        r"url\(|@import|fetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML|document\.write|eval\(", text
    )


def test_the_page_is_the_same_for_the_same_data() -> None:
    document = attacked()
    assert page(document) == page(document)


def test_the_pages_files_are_installed_with_the_package() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    folder = ROOT / "layers/spiderpool_aws/python" / PAGE.replace(".", "/")
    packed = {path.name for pattern in data[PAGE] for path in folder.glob(pattern)}
    assert packed == set(sources()) == {"page.html", "page.css", *SCRIPTS}


def test_the_page_is_not_deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "layer"
    folder.mkdir()
    monkeypatch.setattr("stacks.assets._compile", lambda *_: None)
    package().fill(folder)
    assert [path for path in folder.rglob("*") if path.suffix in (".js", ".css", ".html")] == []


@pytest.mark.skipif(shutil.which("node") is None, reason="node checks the scripts, and is not on the path")
def test_the_scripts_are_valid_together(tmp_path: Path) -> None:
    text = "".join(files(PAGE).joinpath("page", name).read_text(encoding="utf-8") for name in SCRIPTS)
    (module := tmp_path / "page.mjs").write_text(text, encoding="utf-8")
    done = subprocess.run(["node", "--check", str(module)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert (done.returncode, done.stderr) == (0, "")


def test_the_svg_has_every_subnet_and_node_with_its_figures() -> None:
    document = map_document(read(MapFleet(6).world()))
    root = ET.fromstring(svg_of(document))  # noqa: S314 - our own
    words = [element.text or "" for element in root.iter(f"{SVG}text")]
    for subnet in document["subnets"]:
        assert f"{subnet['name']}  {subnet['cidr']}" in words
        assert f"{subnet['free']:,} of {subnet['size']:,} free" in words
    for node in document["nodes"]:
        assert words.count(node["node"].partition(".")[0]) == len(node["nics"])
    assert any(
        f"pods use {document['pools']['used']} of {document['pools']['addresses']} addresses" in w for w in words
    )
    cells = [element for element in root.iter(f"{SVG}rect") if element.get("width") == "7"]
    used = [cell for cell in cells if cell.get("fill") == "#0f6cb0"]
    assert len(used) == document["pools"]["used"] + 1, "one is the legend's"


def test_the_svg_of_many_nodes_has_a_gauge_for_each_nic() -> None:
    document = map_document(read(MapFleet(60).world()))
    root = ET.fromstring(svg_of(document))  # noqa: S314 - our own
    titles = [element.text or "" for element in root.iter(f"{SVG}title")]
    assert len(titles) == 120
    assert all(re.fullmatch(r"ip-[\d-]+ eni-\w+: \d+% used, converged", title) for title in titles)


def test_nothing_in_the_data_becomes_markup_in_the_svg() -> None:
    document = attacked()
    document["subnets"][0]["name"] = EVIL + "\x00\x1b\ufffe"
    root = ET.fromstring(svg_of(document))  # noqa: S314 - our own
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "defs", "pattern", "rect", "text", "path", "title",
    }  # fmt: skip
    assert any(EVIL in (element.text or "") for element in root.iter(f"{SVG}text"))
