"""What the documents list is what there is: layers, decisions, figures, stored forms."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from spiderpool_aws.cli.verify_plan import Spot
from spiderpool_aws.cli.verify_pods import Manifests
from spiderpool_aws.deployment import EC2_BUCKETS
from spiderpool_aws.domain.cluster import pool
from spiderpool_aws.domain.instance import CLUSTER_TAG, INDEX_TAG, INSTANCE_TAG, MANAGED_TAG, ORPHAN_TAG
from tests.documents.markdown import HEADING, ROOT, anchors, links, read
from tests.simulation.crash_points import SCENARIOS
from tests.unit.domain.test_memory import EARLY, all_at

DOCS = ROOT / "docs"
ADR = DOCS / "adr"
DECISIONS = sorted(ADR.glob("0*.md"))
CONTRACTS = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}


def layers_of(beginning: str) -> list[list[str]]:
    """Return the layers of the contract whose name begins so: each the modules that stand side by side."""
    [contract] = [contract for name, contract in CONTRACTS.items() if name.startswith(beginning)]
    return [layer.split(" | ") for layer in contract["layers"]]


def table(file: str, marker: str) -> list[list[str]]:
    """Return the rows of a marked table of a document, without its head."""
    (text,) = re.findall(rf"<!-- {marker} -->\n(.*?)<!-- /{marker} -->", read(DOCS / file), re.DOTALL)
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.strip().splitlines()]
    return rows[2:]


def test_the_layers_of_the_architecture_are_those_that_import_linter_holds() -> None:
    shown = [re.findall(r"`([a-z_]+)`", row[0]) for row in table("architecture.md", "layers")]
    kept = layers_of("Layers point one way")
    kept.insert(kept.index(["bootstrap"]), ["lambdas"])
    assert shown == kept
    assert [layer.rpartition(".")[2] for [layer] in layers_of("The handlers stand between")] == [
        "local",
        "lambdas",
        "bootstrap",
    ]


def test_the_domains_packages_are_those_that_import_linter_holds() -> None:
    shown = [re.findall(r"`([a-z_]+)`", row[0]) for row in table("architecture.md", "domain")]
    assert shown == layers_of("The domain's packages")


def test_the_index_of_decisions_has_each_with_its_title_and_no_other() -> None:
    titles = [f"{HEADING.findall(read(file))[0].partition('. ')[2]}" for file in DECISIONS]
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|", read(ADR / "README.md"), re.MULTILINE)
    assert [(int(n), title, name) for n, title, name in rows] == [
        (int(file.name[:4]), title, file.name) for file, title in zip(DECISIONS, titles, strict=True)
    ]
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: file.name)
def test_a_decision_has_its_number_its_context_and_its_consequences(file: Path) -> None:
    text = read(file)
    assert text.startswith(f"# {int(file.name[:4])}. ")
    found = re.findall(r"^(?:\*\*|## )(Context|Decision|Consequences)\b", text, re.MULTILINE)
    assert found == ["Context", "Decision", "Consequences"]


def section(file: str, anchor: str) -> str:
    """Return a section of a document, by its heading's anchor."""
    text = read(DOCS / file)
    assert anchor in anchors(DOCS / file)
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return next(part for part in parts if anchor == _slug(part.partition("\n")[0]))


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.removeprefix("## ").lower()).replace(" ", "-")


def test_the_figures_of_the_readme_are_those_of_the_benchmarks() -> None:
    (text,) = re.findall(r"<!-- figures -->\n(.*?)<!-- /figures -->", read(ROOT / "README.md"), re.DOTALL)
    rows = re.findall(r"^\| (.+?) \| (.+?) \| \[.+?\]\(docs/benchmarks\.md#(.+?)\) \|", text, re.MULTILINE)
    assert len(rows) >= 5
    for what, figures, anchor in rows:
        for figure in figures.split("; "):
            assert figure in section("benchmarks.md", anchor), f"{what}: {figure}"


def test_the_table_of_stored_forms_has_every_key_label_and_tag() -> None:
    text = section("operations.md", "upgrading")
    keys = json.loads(all_at(EARLY).to_text()).keys() | {"absentConfirmed"}
    names = {value for name, value in vars(pool).items() if name.endswith(("_LABEL", "_ANNOTATION"))}
    known = keys | names | {CLUSTER_TAG, INSTANCE_TAG, INDEX_TAG, MANAGED_TAG, ORPHAN_TAG}
    assert {name for name in known if f"`{name}`" not in text} == set()


def test_the_buckets_of_the_guide_are_those_by_which_the_workers_pace_themselves() -> None:
    shown = {row[0].strip("`"): tuple(map(float, row[1:])) for row in table("operations.md", "buckets")}
    assert shown == {action: (rate.burst, rate.refill_per_second) for action, rate in EC2_BUCKETS.items()}


@pytest.mark.parametrize("file", ["testing.md", "benchmarks.md"])
def test_the_number_of_scenarios_of_crash_points_is_told_as_it_is(file: str) -> None:
    assert re.findall(r"\b(\d+) scenarios", read(DOCS / file)) == [str(len(SCENARIOS))]


def test_the_guide_applies_samples_that_are_there_and_leads_on() -> None:
    text = read(DOCS / "getting-started.md")
    assert {"verify", "status", "map"} <= set(re.findall(r"spiderpool-aws (\w+) --cluster", text))
    assert {file.name for file in (ROOT / "samples").glob("*.yaml")} == set(re.findall(r"samples/([\w-]+\.yaml)", text))
    assert "operations.md#uninstalling" in links(DOCS / "getting-started.md")


def test_the_pods_of_verify_are_as_the_guide_to_security_says() -> None:
    spot = Spot("n", "kube-system/ipvlan-ens5", frozenset())
    manifests = Manifests("0a1b", "default")
    pods = [manifests.server("s", spot), manifests.probe("p", spot, "true"), manifests.host_probe("h", "n", "true")]
    for one in pods:
        spec = one["spec"]
        assert (spec["automountServiceAccountToken"], spec["activeDeadlineSeconds"]) == (False, 600)
        assert "volumes" not in spec
        assert all("securityContext" not in container for container in spec["containers"])
    assert [one["spec"]["hostNetwork"] for one in pods] == [False, False, True]
    told = read(DOCS / "security.md")
    assert all(word in told for word in ("automountServiceAccountToken: false", "activeDeadlineSeconds", "hostNetwork"))
