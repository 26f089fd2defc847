"""What others wrote cannot move a terminal's cursor, and colours of our own stay."""

from io import StringIO

import pytest
from rich.table import Table
from rich.text import Text

from spiderpool_aws.cli.shown import console, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain … text\n\tof ours", "plain … text\n\tof ours"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\rb", r"a\rb"),
        ("\u202etxt.exe\u2066", r"\u202etxt.exe\u2066"),
        ("\ud800\x9b2J", r"\ud800\x9b2J"),
    ],
)
def test_control_and_direction_characters_are_spelled(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_table_spells_what_is_in_its_cells_and_keeps_its_colours() -> None:
    written = StringIO()
    table = Table("tag")
    table.add_row(Text("\x1b[2Jgone", "red"))
    console(file=written, force_terminal=True, color_system="standard").print(table)
    assert r"\x1b[2Jgone" in written.getvalue()
    assert "\x1b[2J" not in written.getvalue()
    assert "\x1b[31m" in written.getvalue()
