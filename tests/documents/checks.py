"""What is wrong with a command of a document, in a line; empty: nothing."""

import contextlib
import importlib.util
import io
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import botocore.session
import typer
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from typer.core import TyperGroup
from typer.main import get_command

from spiderpool_aws.cli.main import app
from stacks.context.model import FIELDS
from tests.documents.commands import Command
from tests.documents.markdown import ROOT

CDK = {
    "bootstrap": set[str](),
    "deploy": {"--all", "--require-approval"},
    "diff": {"--all"},
    "destroy": {"--all", "--force"},
    "synth": {"--all", "--quiet", "--output"},
    "list": set[str](),
}
"""The subcommands, and of each the options (AWS CDK CLI reference, "cdk deploy", …) that our documents may use."""
STACK = re.compile(r"spiderpool-aws-[a-z0-9-]+-(network|nodes|reconciler)")
KUBECTL = {
    *("annotate", "apply", "auth", "config", "cordon", "create", "delete", "describe", "diff", "drain"),
    *("edit", "exec", "get", "label", "logs", "rollout", "taint", "wait"),
}
"""Verbs (Kubernetes' reference, "kubectl")."""
KINDS = {
    *(
        "node",
        "nodes",
        "pod",
        "pods",
        "events",
        "service",
        "services",
        "ingress",
        "secret",
        "deployment",
        "deployments",
    ),
    *("spiderippools", "spiderreservedips", "spidermultusconfigs", "network-attachment-definitions"),
    *("clusterrole", "clusterrolebinding", "role", "rolebinding"),
}
KINDS_ARE_NAMED = {"get", "describe", "delete", "label", "annotate", "wait"}
AWS_GLOBAL = {"--region", "--profile", "--output", "--query", "--no-cli-pager"}
"""Options of every operation (AWS CLI reference, "aws")."""
AWS_OWN: dict[tuple[str, str], set[str]] = {
    ("eks", "get-token"): {"--cluster-name"},
    ("eks", "update-kubeconfig"): {"--name"},
    ("lambda", "invoke"): {"--cli-binary-format"},
}
"""What the AWS CLI has of its own, beside the API's operations (its reference)."""


def check_program(command: Command) -> str:
    """Return what is wrong with a `spiderpool-aws …`: the command, an option, or an argument that is missing."""
    current: Any = get_command(app)
    arguments = list(command.arguments)
    context = typer.Context(current, info_name=command.program)
    while isinstance(current, TyperGroup) and arguments and not arguments[0].startswith("-"):
        name = arguments.pop(0)
        found = current.get_command(context, name)
        if found is None:
            return f"there is no command {name!r}"
        current, context = found, typer.Context(found, info_name=name, parent=context)
    if not arguments and not command.complete:
        return ""
    if arguments == ["--install-completion"]:
        return ""  # parsing it would install it
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            current.make_context(context.info_name, arguments, parent=context.parent)
    except typer.TyperException as error:
        return error.format_message()
    except typer.Exit as left:
        return told.getvalue() if left.exit_code else ""
    return ""


@cache
def _makefile() -> tuple[set[str], set[str]]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in re.findall(r"^([a-z][a-z0-9 -]*):(?!=)", text, re.MULTILINE) for name in line.split()}
    return targets, set(re.findall(r"^([A-Z_]+) \?=", text, re.MULTILINE))


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return _makefile()[0]


def check_make(command: Command) -> str:
    """Return what is wrong with a `make …`: a target or a variable that the Makefile does not have."""
    for word in command.arguments:
        name, given, _ = word.partition("=")
        if name not in _makefile()[1 if given else 0]:
            return f"the Makefile has no {name!r}"
    return "" if command.arguments else "no target"


@cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def check_aws(command: Command) -> str:
    """Return what is wrong with an `aws …`, by the models of AWS's own SDK."""
    if len(command.arguments) < 2:
        return "no operation"
    service, operation, *rest = command.arguments
    own = AWS_OWN.get((service, operation), set())
    try:
        model = _service(service)
    except UnknownServiceError:
        return f"there is no service {service!r}"
    by_name = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in by_name:
        return "" if own and set(_options(rest)) <= own | AWS_GLOBAL else f"{service} has no operation {operation!r}"
    shape = model.operation_model(by_name[operation]).input_shape
    members = shape.members if shape else {}
    options = {f"--{xform_name(name, '-')}": name for name in members}
    flags = {f"--no-{xform_name(name, '-')}" for name, member in members.items() if member.type_name == "boolean"}
    given = set(_options(rest))
    unknown = given - options.keys() - flags - own - AWS_GLOBAL
    required = {f"--{xform_name(name, '-')}" for name in (shape.required_members if shape else ())}
    if unknown:
        return f"aws {service} {operation} has no {sorted(unknown)}"
    missing = sorted(required - given) if command.complete else []
    return f"aws {service} {operation} needs {missing}" if missing else ""


def _options(words: list[str]) -> Iterator[str]:
    return (word.partition("=")[0] for word in words if word.startswith("--"))


def check_kubectl(command: Command) -> str:
    """Return what is wrong with a `kubectl …`: the verb, the kind, or a file that is not there."""
    verb, *rest = command.arguments or [""]
    if verb not in KUBECTL:
        return f"kubectl has no verb {verb!r}"
    for option, value in pairwise(rest):
        if option in {"-f", "--filename"} and value != "-" and not (ROOT / value).exists():
            return f"there is no file {value!r}"
    if verb in KINDS_ARE_NAMED and rest and "-f" not in rest:
        unknown = [kind for kind in rest[0].partition("/")[0].split(",") if kind.partition(".")[0] not in KINDS]
        return f"there is no kind {unknown}" if unknown else ""
    return ""


def check_cdk(command: Command) -> str:
    """Return what is wrong with a `cdk …`: the subcommand, an option, a stack, or a key of the context."""
    subcommand, *rest = command.arguments or [""]
    if subcommand == "…":
        return ""  # the way it is called, in general
    if subcommand not in CDK:
        return f"cdk has no {subcommand!r}"
    words = iter(rest)
    for word in words:
        if word in {"-c", "--context"}:
            key = next(words, "").partition("=")[0]
            if key not in FIELDS:
                return f"the context has no key {key!r}"
        elif word.startswith("-"):
            if word not in CDK[subcommand]:
                return f"cdk {subcommand} has no {word!r}"
        elif not STACK.fullmatch(word):
            return f"there is no stack {word!r}"
    return ""


def check_python(command: Command) -> str:
    """Return what is wrong with a `python …`: a module, a file, or an option that the module does not name."""
    if command.arguments[:1] != ("-m",):
        file = next(iter(command.arguments), "")
        return "" if (ROOT / file).is_file() else f"there is no file {file!r}"
    spec = importlib.util.find_spec(command.arguments[1]) if len(command.arguments) > 1 else None
    if spec is None or spec.origin is None:
        return f"there is no module {command.arguments[1:2]}"
    if spec.submodule_search_locations is not None:
        # A package runs its `__main__`.
        spec = importlib.util.find_spec(f"{spec.name}.__main__")
    source = spec.loader.get_source(spec.name) if hasattr(spec.loader, "get_source") else ""  # type: ignore[union-attr]
    missing = [option for option in _options(list(command.arguments)) if f'"{option}"' not in (source or "")]
    return f"{command.arguments[1]} has no {missing}" if missing else ""
