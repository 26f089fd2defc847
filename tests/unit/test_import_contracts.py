"""The contracts that list modules list all of them: a new module is judged, or let through here by name."""

import pkgutil
import tomllib
from pathlib import Path

import pytest

import spiderpool_aws

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
CONTRACTS = {
    contract["name"].split(":")[0]: contract
    for contract in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
}
PACKAGE = {f"spiderpool_aws.{module.name}" for module in pkgutil.iter_modules(spiderpool_aws.__path__)}


def names(*modules: str) -> set[str]:
    return {f"spiderpool_aws.{module}" for module in modules}


@pytest.mark.parametrize(
    ("contract", "key", "let_through"),
    [
        pytest.param(
            "The SDKs live in the adapters only",
            "source_modules",
            names("adapters", "bootstrap", "cli", "local"),
            id="who may use an SDK",
        ),
        pytest.param(
            "Adapters know the ports and the domain, not who uses them",
            "forbidden_modules",
            names("about", "adapters", "deployment", "domain", "manifests", "messages", "metrics", "ports")
            | names("permissions", "settings", "trust"),
            id="what an adapter may use",
        ),
        pytest.param(
            "The stacks import of the package what is data",
            "forbidden_modules",
            names("deployment", "domain", "events", "manifests", "metrics", "permissions", "queries", "routes")
            | names("settings", "trust"),
            id="what a stack may use",
        ),
    ],
)
def test_every_module_is_judged_by_each_contract_or_let_through(contract: str, key: str, let_through: set[str]) -> None:
    listed = {name for name in CONTRACTS[contract][key] if name.startswith("spiderpool_aws.")}
    assert PACKAGE - listed == let_through
