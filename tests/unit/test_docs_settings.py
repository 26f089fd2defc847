"""What the guides say of variables and targets is what there is."""

from pathlib import Path

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
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
READERS: dict[str, type[FunctionSettings]] = {
    "`route_event`": RouteSettings,
    "`reconcile_nodes`": ReconcileSettings,
    "`resync`": ResyncSettings,
    "every login": LoginSettings,
    "login `kubeconfig`": KubeconfigSettings,
    "login `web-identity`": WebIdentitySettings,
    "login `iam-authenticator`": IamAuthenticatorSettings,
}


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
