"""The documents name what the code has, and their policies are valid."""

import re
from pathlib import Path

import pytest

import spiderpool_aws
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.policy.model import KNOWN_KEYS, parse_policy
from spiderpool_aws.metrics import Metric
from spiderpool_aws.queries import QUERIES

ROOT = Path(__file__).parents[2]
POLICY = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
EXAMPLES = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("key", sorted(KNOWN_KEYS))
def test_every_key_of_the_policy_is_explained(key: str) -> None:
    tables = "\n".join(line for line in POLICY.splitlines() if line.startswith("|"))
    assert re.search(rf"^\| [^|]*\b{key}\b|{{[^}}]*\b{key}\b[^}}]*}}|`match\.{key}`", tables, re.MULTILINE)


def test_the_policys_document_shows_every_key_in_a_valid_example() -> None:
    (example,) = EXAMPLES.findall(POLICY)
    parse_policy(example)
    assert {key for key in KNOWN_KEYS if not re.search(rf"\b{key}:", example)} == set()


def test_the_policy_in_the_readme_is_valid() -> None:
    (example,) = EXAMPLES.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    parse_policy(example)


def test_every_metric_is_in_the_table_of_operations() -> None:
    assert {name for name in (*Metric, *Code) if f"`{name}`" not in OPERATIONS} == set()


def test_the_queries_of_the_guide_are_those_that_the_stack_saves() -> None:
    (section,) = re.findall(r"<!-- queries -->\n(.*?)<!-- /queries -->", OPERATIONS, re.DOTALL)
    shown = re.findall(r"\*\*(.*?)\*\* `(.*?)` \((.*?)\)\n\n```\n(.*?)\n```", section, re.DOTALL)
    groups = [", ".join(f"`{f.name.replace('_', '-')}`" for f in query.functions) for query in QUERIES]
    saved = [(q.question, q.name, where, q.text) for q, where in zip(QUERIES, groups, strict=True)]
    assert shown == saved


def test_no_metric_is_a_refusals_code_as_well() -> None:
    assert set(Metric) & set(Code) == set()


def test_every_metric_is_counted_somewhere() -> None:
    assert spiderpool_aws.__file__ is not None
    package = Path(spiderpool_aws.__file__).parent
    source = "".join(file.read_text(encoding="utf-8") for file in package.rglob("*.py"))
    assert [metric.name for metric in Metric if f"Metric.{metric.name}" not in source] == []


def test_what_is_counted_has_its_name_from_the_one_place() -> None:
    assert spiderpool_aws.__file__ is not None
    package = Path(spiderpool_aws.__file__).parent
    counting = re.compile(r'\b(?:count|report|refuse|Finding)\(\s*f?"')
    literal = [str(file) for file in package.rglob("*.py") if counting.search(file.read_text(encoding="utf-8"))]
    assert [file for file in literal if "/local/" not in file] == []
