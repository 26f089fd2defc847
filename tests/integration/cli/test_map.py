"""`spiderpool-aws map`: where it writes, and what it says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from spiderpool_aws.cli.demo_world import assign_by_hand, edit_by_hand
from spiderpool_aws.local.stack import LocalStack
from tests.integration.cli.conftest import Run, run

On = Callable[[LocalStack], Run]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_file_it_writes_one_named_for_the_cluster_and_says_where(
    stack: LocalStack, on: On, tmp_path: Path
) -> None:
    for options, name in (((), "spiderpool-aws-demo.html"), (("--svg",), "spiderpool-aws-demo.svg")):
        ran = on(stack)("map", *options)
        assert (ran.code, ran.out.strip()) == (0, f"The map of demo is in {(tmp_path / name).as_uri()}")
        assert (tmp_path / name).stat().st_size > 10_000


def test_json_is_what_status_says_and_more(stack: LocalStack, on: On) -> None:
    assign_by_hand(stack)
    status, drawn = (on(stack)(command, "-o", "json").document for command in ("status", "map"))
    extended = ("nodes", "subnets", "vpcs", "at")
    assert {k: v for k, v in drawn.items() if k not in extended} == {
        k: v for k, v in status.items() if k not in extended
    }
    for of_map, of_status in zip(drawn["nodes"], status["nodes"], strict=True):
        assert [(nic["ipv4"], nic["ipv6"]) for nic in of_map["nics"]] == [
            (nic["ipv4"], nic["ipv6"]) for nic in of_status["nics"]
        ]


def test_what_was_done_by_hand_drifts_and_nothing_else(stack: LocalStack, on: On) -> None:
    eni_id = assign_by_hand(stack)
    _, address = edit_by_hand(stack)
    nodes = on(stack)("map", "-o", "json").document["nodes"]
    drifting = {
        (nic["eni"], one["address"])
        for node in nodes
        for nic in node["nics"]
        for family in ("ipv4", "ipv6")
        for one in nic[f"{family}Details"]["addresses"]
        if one["state"] != "used" and one["state"] != "free"
    }
    assert len(drifting) == 3
    assert sum(eni == eni_id for eni, _ in drifting) == 2
    assert address in {one for _, one in drifting}


def test_a_file_and_standard_output_can_be_chosen(stack: LocalStack, on: On, tmp_path: Path) -> None:
    on(stack)("map", "-o", "json", "data.json")
    assert json.loads((tmp_path / "data.json").read_text())["cluster"] == "demo"
    assert on(stack)("map", "-").out.startswith("<!doctype html>")
    assert on(stack)("map", "--svg", "-").out.startswith("<svg ")
    assert [path.name for path in tmp_path.iterdir()] == ["data.json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing/map.html",), "missing/map.html cannot be written (No such file or directory): give another FILE"),
        (("--svg", "-o", "json"), "--svg is a picture and --output json is data: give one of them"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    ran = run("map", "--demo", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_map_writes_nothing_to_ec2_or_the_cluster(stack: LocalStack, on: On) -> None:
    stack.model.calls.clear()
    stack.cluster.requests.clear()
    on(stack)("map")
    assert all(call.operation.startswith("Describe") for call in stack.model.calls)
    assert {verb for verb, _, _ in stack.cluster.requests} <= {"get", "list"}


def test_the_demo_says_before_it_runs_that_a_map_cannot_be_written() -> None:
    ran = run("demo", "--map", "missing/map.html")
    assert (ran.code, ran.out, ran.err) == (1, "", "spiderpool-aws: --map missing/map.html: there is no such folder\n")


def test_the_demo_draws_the_cluster_as_it_is_at_its_end(tmp_path: Path) -> None:
    ran = run("demo", "--output", "json", "--map", "map.html")
    assert ran.code == 0
    (text,) = [line for line in (tmp_path / "map.html").read_text().splitlines() if 'id="data"' in line]
    drawn = json.loads(text.partition(">")[2].removesuffix("</script>"))
    assert {node["is"] for node in drawn["nodes"]} == {"converged"}
    with_nics = {node["instance"] for node in drawn["nodes"] if node["nics"]}
    assert with_nics == {node["instance"] for node in ran.document["nodes"]}
    assert drawn["pools"]["used"] == sum(pool["allocated"] for pool in ran.document["pools"])
