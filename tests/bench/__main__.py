"""`make bench`: figures, no verdict. Calls are counted on the models; times are this machine's."""

from rich.console import Console
from rich.table import Table

from tests.bench import batches, burst, calls, cold_start, costs, flip, imports, planning, resync


def main() -> None:
    """Print one table of all figures."""
    table = Table("what", "figure", "how")
    parts = (calls, flip, planning, batches, resync, burst, costs, imports, cold_start)
    for rows in (part.rows() for part in parts):
        for what, figure, how in rows:
            table.add_row(what, figure, how)
        table.add_section()
    Console(width=140).print(table)


main()
