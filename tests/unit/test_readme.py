"""The README says what the code does."""

import re
from pathlib import Path

from spiderpool_aws.routes import as_markdown

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_the_table_of_routes_as_it_is() -> None:
    shown = README.read_text(encoding="utf-8").partition("<!-- routes -->\n")[2].partition("<!-- /routes -->")[0]
    assert shown.strip() == as_markdown().strip()


def test_every_picture_of_the_readme_is_there_and_light() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    assert "docs/images/map.png" in pictures
    assert all((README.parent / picture).stat().st_size < 300_000 for picture in pictures)
