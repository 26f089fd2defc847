"""The table of instance types as moto's data has it: `python -m tests.infrastructure.instance_types` prints the file.

Run it after an update of moto, and put what it prints into `stacks/instance_types.txt`.
"""

from collections import defaultdict

from spiderpool_aws.local.ec2.instance_types import descriptions, limits

HEADER = """\
# What each EC2 instance type can carry, for the checks at synthesis (stacks/instance_types.py reads this file).
# Facts that AWS publishes by DescribeInstanceTypes, as moto 5.2.5 has collected them (read on 2026-11-25).
# family architecture hypervisor size:NICs/addresses [size:NICs/IPv4 addresses/IPv6 addresses] …
# NICs are those of network card 0; addresses are those of one NIC, its primary address included.
"""


def render() -> str:
    """Return the text of the table."""
    families: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name, description in descriptions().items():
        family, size = name.split(".")
        known = limits(name)
        architecture = [a for a in description["ProcessorInfo"]["SupportedArchitectures"] if a != "i386"]
        hypervisor = "nitro" if known.nitro else "xen"
        numbers = [known.interfaces_of_card[0], known.ipv4_addresses, known.ipv6_addresses]
        if known.ipv4_addresses == known.ipv6_addresses:
            numbers.pop()
        families[family, ",".join(architecture), hypervisor].append(f"{size}:{'/'.join(map(str, numbers))}")
    return HEADER + "".join(f"{' '.join(family)} {' '.join(sizes)}\n" for family, sizes in families.items())


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201
