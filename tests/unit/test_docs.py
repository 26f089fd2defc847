"""The documents name what the code has, and their policies are valid."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import spiderpool_aws
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.policy import KNOWN_KEYS, parse_policy
from spiderpool_aws.domain.request import Status
from spiderpool_aws.settings import (
    PREFIX,
    FunctionSettings,
    IamAuthenticatorSettings,
    KubeconfigSettings,
    LoginSettings,
    ReconcileSettings,
    ResyncSettings,
    RouteSettings,
    WebIdentitySettings,
)

ROOT = Path(__file__).parents[2]
POLICY = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
EXAMPLES = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
# function -> the place of the code among its arguments
CODES = {"report": 0, "refuse": 0, "Finding": 0, "count": 0, "Refused": 1}

READERS: dict[str, type[FunctionSettings]] = {
    "`route_event`": RouteSettings,
    "`reconcile_nodes`": ReconcileSettings,
    "`resync`": ResyncSettings,
    "every login": LoginSettings,
    "login `kubeconfig`": KubeconfigSettings,
    "login `web-identity`": WebIdentitySettings,
    "login `iam-authenticator`": IamAuthenticatorSettings,
}


def codes() -> Iterator[str]:
    """Yield every code and metric that the product's source names."""
    assert spiderpool_aws.__file__ is not None
    package = Path(spiderpool_aws.__file__).parent
    for file in package.rglob("*.py"):
        if not file.is_relative_to(package / "local"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _code(node)


def _code(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = call.args[CODES[name]] if name in CODES and len(call.args) > CODES[name] else None
    if isinstance(given, ast.Constant) and isinstance(given.value, str) and re.fullmatch(r"[A-Z]\w+", given.value):
        yield given.value


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


def test_every_code_and_metric_is_in_the_table_of_operations() -> None:
    found = set(codes()) | {f"Reconciles{status.capitalize()}" for status in Status} | set(Code)
    assert {"PolicyInvalid", "SubnetChanged", "ClusterMismatch", "AddressTaken", "NicMissing"} <= found
    assert {code for code in found if f"`{code}`" not in OPERATIONS} == set()


def settings_models() -> set[type[FunctionSettings]]:
    """Return every model of settings that the product loads."""
    found, unseen = set[type[FunctionSettings]](), [FunctionSettings]
    while unseen:
        found.add(model := unseen.pop())
        unseen += model.__subclasses__()
    return {model for model in found if model.__module__.startswith("spiderpool_aws.")}


def test_the_table_of_variables_is_that_of_the_settings() -> None:
    """Hold the table to the models: who needs a variable, its name, and what belongs there."""
    needed_by: dict[str, list[str]] = {}
    described: dict[str, str | None] = {}
    for who, model in READERS.items():
        for name, field in model.model_fields.items():
            needed_by.setdefault(name, []).append(who)
            described[name] = field.description
    rows = [
        f"| `{PREFIX}{name.upper()}` | {', '.join(readers)} | {described[name]} |"
        for name, readers in needed_by.items()
    ]
    shown = OPERATIONS.partition("<!-- variables -->\n")[2].partition("<!-- /variables -->")[0]
    assert shown.strip().splitlines()[2:] == rows
    read = {name for model in settings_models() for name in model.model_fields}
    assert read == set(needed_by), "a model of settings is not in READERS"


def test_the_end_to_end_tests_say_what_they_skip() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ne2e:")[2].partition("\n\n")[0]
    assert "pytest -rs tests/e2e" in recipe
