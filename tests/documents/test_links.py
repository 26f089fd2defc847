"""Every link within the project leads to a file and a heading that are there."""

from pathlib import Path

import pytest

from tests.documents import markdown
from tests.documents.markdown import ROOT, anchors, documents, links


def broken(file: Path) -> list[str]:
    """Return the links of a document that lead nowhere."""
    wrong = []
    for target in links(file):
        path, _, anchor = target.partition("#")
        other = (file.parent / path).resolve() if path else file
        if not other.exists() or (anchor and anchor not in anchors(other)):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("file", documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(file: Path) -> None:
    assert broken(file) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "ROOT", tmp_path)
    (tmp_path / "b.md").write_text("# Ports & rules\n\n## `x`: y\n\n## `x`: y\n", encoding="utf-8")
    good = "[b](b.md) [`c`](b.md#ports--rules) [d](b.md#x-y-1) [e](https://example.org) [f](#a) `[g](nowhere.md)`"
    (tmp_path / "a.md").write_text(f"# A\n{good} [h](c.md) [i](b.md#rules) ![j](k.png) [l](#b)\n", encoding="utf-8")
    assert broken(tmp_path / "a.md") == ["c.md", "b.md#rules", "k.png", "#b"]


def test_the_readme_leads_to_every_document() -> None:
    reached = {(ROOT / target.partition("#")[0]).resolve() for target in links(ROOT / "README.md")}
    apart = {ROOT / "README.md", *(ROOT / "docs" / "adr").glob("0*.md")}
    assert [str(file.relative_to(ROOT)) for file in documents() if file not in reached | apart] == []
