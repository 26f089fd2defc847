"""`spiderpool-aws policy`: look at a policy before it is put into its parameter."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from spiderpool_aws.deployment import cluster_problem
from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.policy.model import Elastic, Group, Interface, Size, parse_policy

app = typer.Typer(help="The policy file.", no_args_is_help=True)

# What an SSM parameter of the advanced tier holds, and one of the standard tier.
MOST_BYTES, STANDARD_BYTES = 8192, 4096


# Without a callback typer makes an only command the app itself: `policy FILE` instead of `policy check FILE`.
@app.callback()
def policy() -> None:
    """Look at a policy file."""


@app.command()
def check(file: Annotated[str, typer.Argument(help="The policy file; `-` reads the standard input.")]) -> None:
    """Say whether a policy is valid, and what each of its groups gets; or all that is wrong with it (exit code 1)."""
    text = read_policy(file)
    size = len(text.encode())
    problems = []
    if size > MOST_BYTES:
        problems.append(f"policy: {size} bytes, and an SSM parameter holds {MOST_BYTES}: shorten it")
    try:
        valid = parse_policy(text)
    except PolicyError as error:
        problems.append(str(error))
    if problems:
        print("\n".join([f"{file}: not valid", *problems]), file=sys.stderr)
        raise typer.Exit(1)
    print(f"{file}: valid")
    for group in valid.groups:
        print(_summary(group))
    if size > STANDARD_BYTES:
        print(f"It has {size} bytes: the parameter has to be of the advanced tier (above {STANDARD_BYTES}).")
    # Valid all the same: the functions can be deployed by other means than our stacks, under other names.
    if problem := cluster_problem(valid.cluster):
        print(f"{file}: warning: `cdk deploy` refuses it: {problem}", file=sys.stderr)


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


def _summary(group: Group) -> str:
    wanted = [*(f"{key}={value}" for key, value in group.match.tags.items()), *group.match.instance_types]
    return f"  {group.name} ({', '.join(wanted) or 'every instance'}): {'; '.join(map(_nic, group.interfaces))}"


def _nic(interface: Interface) -> str:
    sizes = [f"{_amount(interface.ipv4)} IPv4"] + ([f"{_amount(interface.ipv6)} IPv6"] if interface.ipv6 else [])
    return f"{interface.host} {' and '.join(sizes)}"


def _amount(size: Size) -> str:
    if size.prefixes is not None:
        return f"{size.prefixes} prefix{'es' if size.prefixes > 1 else ''} of"
    if isinstance(size.addresses, Elastic):
        return f"{size.addresses.min} to {size.addresses.max} (warm {size.addresses.warm})"
    return str(size.addresses)
