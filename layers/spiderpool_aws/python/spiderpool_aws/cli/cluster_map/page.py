"""The map as one HTML page that needs nothing else: no network, no font, no script of anybody else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

SCRIPTS = ("data.js", "parts.js", "tiles.js", "tables.js", "details.js", "search.js", "main.js")
"""In the order in which they are put together: each uses what stands before it."""
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}


def page(document: Mapping[str, Any]) -> str:
    """Return the page. Whatever the document holds, it is data: no text in it can become markup or script.

    A Content-Security-Policy lets run this script and this style only, by their hashes, and no connection be made.
    """
    style, script = _read("page.css"), "".join(_read(name) for name in SCRIPTS)
    parts = {
        "policy": f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'",
        "title": html.escape(f"{document['cluster']}: map of nodes and addresses"),
        "style": style,
        "script": script,
        "data": embedded(document),
    }
    # One pass: a place that stands in the data is not looked at again.
    return _PLACE.sub(lambda place: parts[place[1]], _read("page.html"))


def embedded(document: Mapping[str, Any]) -> str:
    """Return JSON that may stand inside a script element: without `<` nothing ends the element (HTML, "Scripting")."""
    return json.dumps(document, separators=(",", ":")).translate(_UNSAFE)


def _read(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
