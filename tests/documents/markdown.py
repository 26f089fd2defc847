"""The Markdown files, their code, headings and links: as far as ours use Markdown."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Code:
    """A piece of code of a document: a whole block, or some words in a line."""

    file: Path
    text: str
    language: str = ""
    is_block: bool = False

    @property
    def where(self) -> str:
        """Return what a failing test shows."""
        return f"{self.file.relative_to(ROOT)}: {self.text.strip()}"


def documents() -> list[Path]:
    """Return every Markdown file of the project."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "samples").glob("*.md")]
    return sorted(found)


def read(file: Path) -> str:
    """Return a document's text."""
    return file.read_text(encoding="utf-8")


def pieces(file: Path) -> Iterator[Code]:
    """Yield the blocks of a document, and then the code within its lines."""
    text = read(file)
    for block in FENCE.finditer(text):
        yield Code(file, block["text"], block["language"], is_block=True)
    for words in INLINE.findall(FENCE.sub("", text)):
        yield Code(file, words)


def links(file: Path) -> list[str]:
    """Return where a document's links and pictures lead, but for those on other servers."""
    prose = INLINE.sub("", FENCE.sub("", read(file)))
    # A link's text may be code; what is left of it is a link still.
    return [target for target in LINK.findall(prose) if not re.match(r"[a-z]+:", target)]


def anchors(file: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings (github.com/gjtorikian/html-pipeline, TOC filter)."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(FENCE.sub("", read(file))):
        slug = re.sub(r"[^\w\- ]", "", LINK.sub("", heading).lower()).replace(" ", "-")
        found.add(slug if not seen[slug] else f"{slug}-{seen[slug]}")
        seen[slug] += 1
    return found
