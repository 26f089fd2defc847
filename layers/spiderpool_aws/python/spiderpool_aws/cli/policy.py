"""`spiderpool-aws policy`: look at a policy before it is put into its parameter."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from spiderpool_aws.cli.options import OUTPUT, Output
from spiderpool_aws.deployment import cluster_problem
from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.policy.model import Elastic, Group, Interface, Match, Size, parse_policy

app = typer.Typer(help="The policy file.", no_args_is_help=True)

# What an SSM parameter of the advanced tier holds, and one of the standard tier.
MOST_BYTES, STANDARD_BYTES = 8192, 4096


# Without a callback typer makes an only command the app itself: `policy FILE` instead of `policy check FILE`.
@app.callback()
def policy() -> None:
    """Look at a policy file."""


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="The policy file; `-` reads the standard input.")],
    output: OUTPUT = Output.TABLE,
) -> None:
    """Say whether a policy is valid, and what each of its groups gets; or all that is wrong with it (exit code 1)."""
    looked = _look(file)
    if output is Output.JSON:
        print(json.dumps(looked.to_document(), indent=2))
    elif not looked.problems:
        print(looked.to_text())
    # On standard error also where the rest is JSON: whoever reads only the exit code sees why.
    for said in looked.warnings:
        print(f"{file}: warning: {said}", file=sys.stderr)
    if looked.problems:
        print("\n".join([f"{file}: not valid", *looked.problems]), file=sys.stderr)
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What there is to say of a policy file."""

    file: str
    bytes: int
    groups: tuple[Group, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_document(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "valid": not self.problems,
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            "bytes": self.bytes,
            "groups": {g.name: {"match": _match(g), "nics": [_nic(i) for i in g.interfaces]} for g in self.groups},
        }

    def to_text(self) -> str:
        lines = [f"  {group.name} ({_match(group)}): {'; '.join(map(_nic, group.interfaces))}" for group in self.groups]
        return "\n".join([f"{self.file}: valid", *lines])


def _look(file: str) -> _Looked:
    text = read_policy(file)
    size = len(text.encode())
    problems, warnings = [], []
    if size > MOST_BYTES:
        problems.append(f"policy: {size} bytes, and an SSM parameter holds {MOST_BYTES}: shorten it")
    elif size > STANDARD_BYTES:
        warnings.append(f"{size} bytes: the parameter has to be of the advanced tier (above {STANDARD_BYTES})")
    try:
        valid = parse_policy(text)
    except PolicyError as error:
        return _Looked(file, size, (), (*problems, *str(error).splitlines()), ())
    # Valid all the same: the functions can be deployed by other means than our stacks, under other names.
    if problem := cluster_problem(valid.cluster):
        warnings.append(f"`cdk deploy` refuses it: {problem}")
    warnings += _shadowed(valid.groups)
    return _Looked(file, size, tuple(valid.groups), tuple(problems), tuple(warnings))


def _shadowed(groups: Sequence[Group]) -> list[str]:
    """Return a line for each group that gets no instance, because a group before it takes all that it matches."""
    lines = []
    for index, group in enumerate(groups):
        taker = next((earlier for earlier in groups[:index] if _takes_all(earlier.match, group.match)), None)
        if taker is not None:
            lines.append(
                f"groups.{index}: {group.name} gets no instance, because {taker.name} comes first and matches "
                f"all of them: put {group.name} before it"
            )
    return lines


def _takes_all(earlier: Match, later: Match) -> bool:
    types = not earlier.instance_types or (
        bool(later.instance_types) and set(later.instance_types) <= set(earlier.instance_types)
    )
    return types and earlier.tags.items() <= later.tags.items()


def read_policy(file: str) -> str:
    """Return the text of a policy file, of the standard input for `-`; exit with 1 when it cannot be read."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode()
    except OSError as error:
        print(f"{file}: cannot be read ({error.strerror}): give the path of a policy file, or -", file=sys.stderr)
    except UnicodeDecodeError as error:
        print(f"{file}: is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8", file=sys.stderr)
    raise typer.Exit(1)


def _match(group: Group) -> str:
    wanted = [*(f"{key}={value}" for key, value in group.match.tags.items()), *group.match.instance_types]
    return ", ".join(wanted) or "every instance"


def _nic(interface: Interface) -> str:
    sizes = [f"{_amount(interface.ipv4)} IPv4"] + ([f"{_amount(interface.ipv6)} IPv6"] if interface.ipv6 else [])
    return f"{interface.host} {' and '.join(sizes)}"


def _amount(size: Size) -> str:
    if size.prefixes is not None:
        return f"{size.prefixes} prefix{'es' if size.prefixes > 1 else ''} of"
    if isinstance(size.addresses, Elastic):
        return f"{size.addresses.min} to {size.addresses.max} (warm {size.addresses.warm})"
    return str(size.addresses)
