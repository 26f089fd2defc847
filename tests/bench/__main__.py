"""`make bench`: figures, no verdict. Calls are counted on the models; times are this machine's."""

from rich.console import Console
from rich.table import Table

from tests.bench import calls, cold_start, flip, imports, planning


def main() -> None:
    """Print one table of all figures."""
    table = Table("what", "figure", "how")
    for rows in (calls.rows(), flip.rows(), planning.rows(), imports.rows(), cold_start.rows()):
        for what, figure, how in rows:
            table.add_row(what, figure, how)
        table.add_section()
    Console(width=140).print(table)


main()
