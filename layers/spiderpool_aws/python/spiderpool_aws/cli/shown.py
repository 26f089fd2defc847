"""What others wrote (tags, Events, messages), as a terminal may show it: no sign of theirs moves its cursor."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderHook
from rich.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import ConsoleOptions, ConsoleRenderable, RenderResult

_HARMLESS = "\n\t"


def visible(text: str) -> str:
    r"""Return the text with control and direction characters spelled: `\x1b`, `\u202e`.

    As kubectl does since CVE-2021-25743. Format characters (Unicode category Cf) are those that turn the direction.
    """
    return "".join(map(_spelled, text)) if not text.isprintable() else text


def _spelled(sign: str) -> str:
    harmful = sign not in _HARMLESS and unicodedata.category(sign) in ("Cc", "Cf", "Cs")
    return sign.encode("unicode_escape").decode() if harmful else sign


def console(**options: Any) -> Console:
    """Return a console on which everything is made visible but its own colours."""
    made = Console(highlight=False, **options)
    made.push_render_hook(_Spelling())
    return made


class _Spelling(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Spelled(renderable) for renderable in renderables]


class _Spelled:
    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, on: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._segments(on, options)

    def _segments(self, on: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in on.render(self._renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
