"""Stands in for `ip` in the tests of the nodes' scripts: NICs are folders of `sys/class/net`, as strict as the kernel.

A NIC's folder has `address` (the MAC), `device` (when it is hardware), `up`, `addresses`,
`altnames`, and `routes` (of which families it has some).
"""

import sys
from pathlib import Path


def main(net: Path, rules: Path, words: list[str]) -> int:
    """Do what `ip <words>` does; the answer is its exit code."""
    match words:
        case ["link", "set", "dev", nic, "up"]:
            (net / nic / "up").touch()
        case ["link", "set", "dev", nic, "down"]:
            (net / nic / "up").unlink(missing_ok=True)
        case ["link", "set", "dev", nic, "name", name]:
            taken = {found.name for found in net.iterdir()} | {
                line for found in net.iterdir() for line in altnames(found)
            }
            if (net / nic / "up").exists() or name in taken:
                return 2
            (net / nic).rename(net / name)
        case ["link", "property", "del", "dev", nic, "altname", name]:
            return remove(net / nic / "altnames", name)
        case ["-o", *_, "address", "show", "dev", nic, "scope", "global"]:
            for place, address in enumerate(lines(net / nic / "addresses")):
                if "-4" not in words or ":" not in address:
                    print(f"{place}: {nic}    inet{'6' * (':' in address)} {address} scope global {nic}")  # noqa: T201
        case ["address", "del", address, "dev", nic]:
            return remove(net / nic / "addresses", address)
        case [family, "route", "flush", "table", "all", "dev", nic]:
            remove(net / nic / "routes", family)
        case [family, "rule", "del", "pref", preference]:
            return remove(rules, f"{family} {preference}")
        case _:
            raise SystemExit(f"fake ip: {words}")
    return 0


def altnames(nic: Path) -> list[str]:
    """Return a NIC's second names."""
    return lines(nic / "altnames")


def lines(file: Path) -> list[str]:
    """Return a file's lines; none of a file that is not there."""
    return file.read_text(encoding="ascii").splitlines() if file.exists() else []


def remove(file: Path, line: str) -> int:
    """Take a line out of a file; 2 when it is not there."""
    known = lines(file)
    if line not in known:
        return 2
    known.remove(line)
    file.write_text("".join(f"{left}\n" for left in known), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
