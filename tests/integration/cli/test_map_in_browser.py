"""The map in a headless Chromium: it renders, its figures are those of `status`, it can be searched and read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spiderpool_aws.cli.cluster_map.model import map_document
from spiderpool_aws.cli.cluster_map.page import page
from spiderpool_aws.cli.demo_world import assign_by_hand
from spiderpool_aws.cli.reading import read
from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.local.stack import LocalStack
from tests.integration.cli.chromium import Chromium, Tab, installed
from tests.integration.cli.conftest import Run
from tests.unit.cli.map_fleet import MapFleet
from tests.unit.cli.test_map_files import attacked
from tests.unit.cli.test_map_model import troubled

On = Callable[[LocalStack], Run]
PROGRAM = installed()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is on the path: `make browser` installs one")

CONTRASTS = Path(__file__).with_name("contrasts.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    assert PROGRAM is not None
    browser = Chromium(PROGRAM, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def tab(browser: Chromium) -> Iterator[Tab]:
    tab = Tab.open(browser)
    yield tab
    tab.close()
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith("file:")] == []


@pytest.fixture
def show(tab: Tab, tmp_path: Path) -> Callable[[dict[str, Any]], None]:
    def go(document: dict[str, Any]) -> None:
        (tmp_path / "map.html").write_text(page(document), encoding="utf-8")
        tab.go((tmp_path / "map.html").as_uri())

    return go


Show = Callable[[dict[str, Any]], None]


def drawn(fleet: MapFleet) -> dict[str, Any]:
    return map_document(read(fleet.world()))


def texts(tab: Tab, selector: str) -> list[str]:
    found: list[str] = tab.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.textContent)")
    return found


def values(tab: Tab, selector: str, key: str) -> dict[str, int]:
    return {
        name: int(value)
        for name, value in tab.run(
            f"[...document.querySelectorAll('{selector}')].map((e) => [e.dataset.{key}, e.dataset.value])"
        )
    }


def search(tab: Tab, words: str) -> None:
    tab.run("document.getElementById('query').value = ''")
    tab.press("/", 191)
    tab.type(words)


def test_its_figures_are_those_of_status(stack: LocalStack, on: On, tab: Tab, tmp_path: Path) -> None:
    assign_by_hand(stack)
    status = on(stack)("status", "-o", "json").document
    assert on(stack)("map", str(tmp_path / "map.html")).code == 0
    tab.go((tmp_path / "map.html").as_uri())
    nics = [nic for node in status["nodes"] for nic in node["nics"]]
    families = [nic[family] for nic in nics for family in ("ipv4", "ipv6")]
    assert values(tab, ".figure", "figure") == {
        "instances": status["drift"]["instances"],
        "used": status["pools"]["used"],
        "free": sum(has["free"] for has in families),
        "quarantined": status["pools"]["quarantined"],
        "requests": status["queues"]["requests"],
    }
    drift = {"drifts": status["drift"]["drifting"], "waits": 0, "finding": 0, "converged": status["drift"]["converged"]}
    assert values(tab, ".filter", "state") == drift
    assert len(texts(tab, ".tile")) == len(nics)
    assert len(texts(tab, "#map .cell.used")) == status["pools"]["used"]
    assert len(texts(tab, "#map .cell.free")) == sum(has["free"] for has in families)
    for subnet in status["subnets"]:
        (said, _) = texts(tab, f'[data-subnet="{subnet["subnet"]}"] .use p')
        assert f" · {subnet['free']} of 27 free" in said


def test_every_state_of_an_address_is_drawn_and_told(tab: Tab, show: Show) -> None:
    document = drawn(troubled())
    show(document)
    for node in document["nodes"]:
        tab.run(f"document.querySelector('[data-instance=\"{node['instance']}\"]').click()")
        for nic in node["nics"]:
            for family in ("ipv4", "ipv6"):
                for one in nic[f"{family}Details"]["addresses"]:
                    (told,) = texts(tab, f'#details [data-address="{one["address"]}"]')
                    assert one.get("pod", "") in told
                    assert one.get("why", "") in told
        assert all(change["what"] in texts(tab, "#details")[0] for change in node["changes"])
    (instance,) = {node["instance"] for node in document["nodes"] if "SpiderReservedIP" in json.dumps(node)}
    assert len(texts(tab, f'[data-instance="{instance}"] .cell.quarantined')) == 1


@pytest.mark.parametrize("what", ["pod", "node", "address", "ENI", "instance", "prefix", "host address"])
def test_it_finds_what_is_searched_for_and_opens_its_node(tab: Tab, show: Show, what: str) -> None:
    fleet = MapFleet(12)
    document = drawn(fleet)
    show(document)
    node = document["nodes"][5]
    nic = node["nics"][1]
    words = {
        "pod": next(one["pod"] for one in nic["ipv6Details"]["addresses"] if "pod" in one),
        "node": node["node"],
        "address": nic["ipv6Details"]["addresses"][-1]["address"],
        "ENI": nic["eni"],
        "instance": node["instance"],
        "prefix": nic["ipv6Details"]["prefixes"][0],
        "host address": nic["hostAddresses"][0],
    }[what]
    search(tab, words.upper() if what != "pod" else words)
    assert texts(tab, "#hits [role=option] .kind")[0] == what
    hits = tab.run("[...document.querySelectorAll('.tile.hit')].map((tile) => tile.dataset.eni)")
    of_node = [one["eni"] for one in node["nics"]]
    assert set(hits) == ({nic["eni"]} if what not in ("node", "instance") else set(of_node))
    tab.press("Enter", 13)
    assert node["node"] in texts(tab, "#details")[0]
    tab.press("Escape", 27)
    assert tab.run("document.getElementById('details').hidden") is True


def test_an_address_among_many_free_ones_is_brought_to_light(tab: Tab, show: Show) -> None:
    fleet = MapFleet(1)
    pool = fleet.pool(0, 1, IPFamily.IPV6)
    ips = AddressSet.from_networks(IPFamily.IPV6, fleet.ec2.eni(fleet.eni_id(0, 1)).ipv6_prefixes, limit_each=200)
    fleet.put(replace(pool, spec=replace(pool.spec, ips=ips)))
    show(drawn(fleet))
    search(tab, list(ips)[-1])
    tab.press("Enter", 13)
    assert tab.run("document.querySelector('#details .found').checkVisibility()") is True
    box = "(() => { const box = document.querySelector('#details .found').getBoundingClientRect();"
    assert tab.run(box + " return box.top > 0 && box.bottom < innerHeight; })()") is True


def test_what_is_not_there_is_not_found(tab: Tab, show: Show) -> None:
    show(drawn(MapFleet(3)))
    search(tab, "no such thing")
    assert texts(tab, "#hits") == ["Nothing is called that."]
    assert texts(tab, ".tile.hit") == []
    assert texts(tab, "#told") == ["0 hits on 0 nodes"]


def test_it_is_used_without_a_mouse(tab: Tab, show: Show) -> None:
    show(drawn(MapFleet(12)))
    tab.run("document.querySelector('.tile').focus()")
    for key, code in (("ArrowRight", 39), ("ArrowRight", 39), ("ArrowLeft", 37), ("Enter", 13)):
        tab.press(key, code)
    second = tab.run("document.querySelectorAll('.tile')[1].dataset.instance")
    assert second in texts(tab, "#details")[0]
    assert tab.run("document.activeElement.id") == "details"
    tab.press("Escape", 27)
    assert tab.run("document.activeElement.dataset.instance") == second
    stops = tab.run(
        "[...document.querySelectorAll('.tiles')].map((all) => all.querySelectorAll('[tabindex=\"0\"]').length)"
    )
    assert stops == [1] * 6, "a subnet is one stop of the Tab key"


def test_only_nodes_of_a_state_are_shown_when_it_is_chosen(tab: Tab, show: Show) -> None:
    document = drawn(troubled())
    show(document)
    tab.run("document.querySelector('[data-state=drifts]').click()")
    shown = tab.run("[...new Set([...document.querySelectorAll('.tile')].map((tile) => tile.dataset.instance))].sort()")
    assert shown == sorted(node["instance"] for node in document["nodes"] if node["is"] == "drifts")


def test_the_tables_have_a_row_for_each_node_and_subnet(tab: Tab, show: Show) -> None:
    document = drawn(MapFleet(12))
    show(document)
    tab.run("document.querySelector('#views [value=nodes]').click()")
    assert len(texts(tab, "tbody tr")) == 12
    tab.run("document.querySelectorAll('thead button')[8].click()")
    used = [int(text) for text in texts(tab, "tbody td:nth-child(9)")]
    assert used == sorted(
        (sum(nic["ipv4"]["used"] for nic in node["nics"]) for node in document["nodes"]), reverse=True
    )
    tab.run("document.querySelector('#views [value=subnets]').click()")
    assert texts(tab, "tbody td:nth-child(2)") == [
        "subnet-0-0",
        "subnet-1-0",
        "subnet-2-0",
        "subnet-0-1",
        "subnet-1-1",
        "subnet-2-1",
    ]


def test_what_others_named_is_shown_as_the_text_that_it_is(tab: Tab, show: Show) -> None:
    document = attacked()
    show(document)
    tab.run(f"document.querySelector('[data-instance=\"{document['nodes'][0]['instance']}\"]').click()")
    assert any("onerror=alert(2)" in text for text in texts(tab, "#details .pod"))
    assert any("onerror=alert(2)" in text for text in texts(tab, ".subnet h4"))
    search(tab, "alert(1)")
    assert texts(tab, "#hits [role=option]")
    assert tab.run("document.images.length + document.scripts.length") == 2


def test_pools_of_nodes_that_are_gone_are_shown_apart(tab: Tab, show: Show) -> None:
    fleet = MapFleet(3)
    del fleet.ec2.known[f"i-{2:017x}"]
    show(drawn(fleet))
    assert "4 pools without a NIC" in texts(tab, ".elsewhere")[0]
    tab.run("document.querySelector('.elsewhere button').click()")
    assert texts(tab, "#details h3").count("Pool without a NIC") == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read(tab: Tab, show: Show, scheme: str) -> None:
    """Contrast of at least 4.5 (WCAG 2.2, 1.4.3), also while something is searched for and in every view."""
    tab.prefer(scheme)
    document = drawn(troubled())
    document["warnings"] = ["something is to be known"]
    show(document)
    tab.run("document.querySelector('.tile.is-drifts').click()")
    search(tab, "web-3")
    for value in ("nodes", "subnets", "map"):
        tab.run(f"document.querySelector('#views [value={value}]').click()")
        read_all = tab.run(CONTRASTS)
        assert read_all["poor"] == []
        assert read_all["seen"] > 60


def test_a_switch_overrules_the_systems_colours(tab: Tab, show: Show) -> None:
    tab.prefer("light")
    show(drawn(MapFleet(1)))
    ground = "getComputedStyle(document.body).backgroundColor"
    light = tab.run(ground)
    tab.run("document.querySelector('#theme [value=dark]').click()")
    dark = tab.run(ground)
    assert dark != light
    tab.prefer("dark")
    tab.run("document.querySelector('#theme [value=light]').click()")
    assert tab.run(ground) == light


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_is_cut_off_in_a_narrow_window(tab: Tab, show: Show, width: int) -> None:
    tab.resize(width, 900)
    show(drawn(troubled()))
    assert tab.run("document.documentElement.scrollWidth <= innerWidth") is True
    tab.run("document.querySelector('.tile').click()")
    assert tab.run("document.documentElement.scrollWidth <= innerWidth") is True


def test_five_hundred_nodes_are_an_overview_that_answers_at_once(tab: Tab, show: Show) -> None:
    document = drawn(MapFleet(500))
    show(document)
    assert len(texts(tab, ".tile")) == 1000
    assert texts(tab, "#map .cell") == [], "addresses are drawn when a person asks for them"
    assert tab.run("performance.getEntriesByType('navigation')[0].domComplete") < 5000
    search(tab, "shop/web-499-1-0")
    assert len(texts(tab, ".tile.hit")) == 1
    took = tab.run(
        "(() => { const box = document.getElementById('query'); const began = performance.now(); box.value = '10.0';"
        " box.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - began; })()"
    )
    assert took < 2000
