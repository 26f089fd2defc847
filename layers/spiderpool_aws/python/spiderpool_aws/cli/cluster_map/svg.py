"""The map as a static SVG for documents: zones, subnets and nodes, without the words of each address."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, MARGIN, GAP = 1200, 24, 16
COLUMNS = 3
TILES_WITH_CELLS = 72
"""With more NICs than that a tile is a gauge, as on the page."""
CELLS_IN_A_ROW = 24

INK, MUTED, LINE, SURFACE, SUNKEN = "#1a2027", "#56606c", "#d5dae1", "#ffffff", "#f2f4f6"
USED, HELD, OTHERS, FREE, DRIFT, QUARANTINE = "#0f6cb0", "#9cc9ea", "#a8b0ba", "#8794a3", "#d55e00", "#8e3b76"
BORDERS = {"drifts": DRIFT, "finding": QUARANTINE, "waits": "#44566c", "converged": LINE}
SIGNS = {"drifts": "≠", "finding": "!", "waits": "…", "converged": ""}
LEGEND = {
    "used": "used by a pod",
    "free": "free for pods",
    "drifting": "drifting",
    "quarantined": "quarantined",
    "withheld": "withheld from pods",
    "outside": "not managed",
}
# What XML has no way to say (XML 1.0, "Characters"); a tag may hold it.
_UNSAYABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Attribute = str | float


def svg_of(document: Mapping[str, Any]) -> str:
    """Return the picture of what `map_document` returned."""
    return _Picture(document).drawn()


@dataclass(slots=True)
class _Picture:
    document: Mapping[str, Any]
    root: ET.Element = field(default_factory=lambda: ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg"}))

    def drawn(self) -> str:
        height = self._content()
        title = f"Map of {self.document['cluster']}: zones, subnets, nodes and their addresses"
        size = {"width": str(WIDTH), "height": f"{height:g}", "viewBox": f"0 0 {WIDTH} {height:g}"}
        self.root.attrib.update({**size, "role": "img", "aria-label": _text(title), "font-family": "sans-serif"})
        background = ET.Element("rect", {"width": "100%", "height": "100%", "fill": SURFACE})
        self.root.insert(0, background)
        self.root.insert(0, _hatch())
        return ET.tostring(self.root, encoding="unicode") + "\n"

    @property
    def _has_cells(self) -> bool:
        return sum(len(node["nics"]) for node in self.document["nodes"]) <= TILES_WITH_CELLS

    def _content(self) -> float:
        document, y = self.document, float(MARGIN)
        drift, pools = document["drift"], document["pools"]
        self._words(MARGIN, y + 18, document["cluster"], size=20, weight="bold")
        said = (
            f"{drift['instances']:,} nodes: {drift['converged']:,} converged, {drift['drifting']:,} drift, "
            f"{drift['waiting']:,} wait · pods use {pools['used']:,} of {pools['addresses']:,} addresses, "
            f"{pools['quarantined']:,} quarantined · as of {document['at'][:16].replace('T', ' ')} UTC"
        )
        self._words(MARGIN, y + 40, said, fill=MUTED)
        y += 60
        for vpc in document["vpcs"]:
            self._words(MARGIN, y + 12, f"VPC {vpc['vpc']}", fill=MUTED, weight="bold")
            y = self._zones(vpc["zones"], y + 24)
        return self._legend(y)

    def _zones(self, zones: Sequence[Mapping[str, Any]], y: float) -> float:
        columns = max(1, min(COLUMNS, len(zones)))
        width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns
        for first in range(0, len(zones), columns):
            row = zones[first : first + columns]
            ends = [self._zone(zone, MARGIN + at * (width + GAP), y, width) for at, zone in enumerate(row)]
            y = max(ends) + GAP
        return y

    def _zone(self, zone: Mapping[str, Any], x: float, y: float, width: float) -> float:
        frame = self._box(x, y, width, 0, fill=SUNKEN)
        self._words(x + 12, y + 20, zone["zone"], weight="bold")
        end = y + 30
        known = {subnet["subnet"]: subnet for subnet in self.document["subnets"]}
        for subnet_id in zone["subnets"]:
            end = self._subnet(known[subnet_id], x + 10, end, width - 20) + 10
        frame.set("height", f"{end - y:g}")
        return end

    def _subnet(self, subnet: Mapping[str, Any], x: float, y: float, width: float) -> float:
        frame = self._box(x, y, width, 0)
        self._words(
            x + 12, y + 20, f"{subnet['name'] or subnet['subnet']}  {subnet['cidr'] or 'no IPv4'}", weight="bold"
        )
        self._use(subnet, x + 12, y + 30, width - 24)
        end = self._tiles(subnet, x + 12, y + 78, width - 24)
        frame.set("height", f"{end - y:g}")
        return end

    def _use(self, subnet: Mapping[str, Any], x: float, y: float, width: float) -> None:
        free, size = subnet["free"], subnet["size"]
        if free is None or size is None:
            self._words(x, y + 22, "free addresses are not known", fill=MUTED)
            return
        self._box(x, y, width, 8, fill=SUNKEN, radius=2)
        at, held = x, subnet["held"] - subnet["used"]
        others = max(0, size - free - subnet["held"])
        for amount, colour in ((subnet["used"], USED), (held, HELD), (others, OTHERS)):
            part = width * amount / size if size else 0
            self._add("rect", x=at, y=y, width=part, height=8, fill=colour)
            at += part
        reserve = f", {subnet['reserve']:,} kept free" if subnet["reserve"] else ""
        self._words(x, y + 23, f"{free:,} of {size:,} free{reserve}")
        said = f"pods use {subnet['used']:,}, NICs hold {held:,} more" + (f", others {others:,}" if others else "")
        self._words(x, y + 38, said, fill=MUTED)

    def _tiles(self, subnet: Mapping[str, Any], x: float, y: float, width: float) -> float:
        nics = {nic["eni"]: (node, nic) for node in self.document["nodes"] for nic in node["nics"]}
        places = sorted((nics[eni] for eni in subnet["nics"]), key=lambda place: _natural(_short(place[0])))
        with_cells = self._has_cells
        if not places:
            return y
        across = max(1, int(width // 220)) if with_cells else max(1, int(width // 22))
        tile, height = ((width - (across - 1) * 8) / across, 62) if with_cells else (18.0, 18)
        step = (tile + 8, height + 8) if with_cells else (22.0, 22)
        for at, (node, nic) in enumerate(places):
            left, top = x + at % across * step[0], y + at // across * step[1]
            if with_cells:
                self._card(node, nic, left, top, tile)
            else:
                self._gauge(node, nic, left, top, tile)
        return y + -(-len(places) // across) * step[1] + 6

    def _card(self, node: Mapping[str, Any], nic: Mapping[str, Any], x: float, y: float, width: float) -> None:
        self._box(x, y, width, 62, stroke=BORDERS[node["is"]])
        self._words(x + 8, y + 16, _short(node)[:24], weight="bold")
        self._words(x + width - 26, y + 16, nic["host"] or f"index {nic['deviceIndex']}", fill=MUTED, anchor="end")
        self._words(x + width - 8, y + 16, SIGNS[node["is"]], fill=BORDERS[node["is"]], weight="bold", anchor="end")
        for row, key in enumerate(key for key in ("ipv4", "ipv6") if key in nic):
            top = y + 24 + row * 18
            self._words(x + 8, top + 10, key.removeprefix("ip"), size=10, fill=MUTED)
            addresses = nic[f"{key}Details"]["addresses"]
            shown = addresses[: min(CELLS_IN_A_ROW, int((width - 50) // 10))]
            for at, address in enumerate(shown):
                self._cell(address["state"], x + 24 + at * 10, top)
            more = len(addresses) - len(shown) + nic[f"{key}Details"]["omitted"]
            if more:
                self._words(x + 26 + len(shown) * 10, top + 10, f"+{more}", size=10, fill=MUTED)

    def _gauge(self, node: Mapping[str, Any], nic: Mapping[str, Any], x: float, y: float, side: float) -> None:
        has = [nic[key] for key in ("ipv4", "ipv6") if key in nic]
        # Of the family that is fuller: a pod needs an address of each.
        full = max((one["used"] / one["listed"] for one in has if one["listed"]), default=0.0)
        fill = side * min(1, full)
        box = self._box(x, y, side, side, stroke=BORDERS[node["is"]], radius=3)
        ET.SubElement(box, "title").text = _text(f"{_short(node)} {nic['eni']}: {full:.0%} used, {node['is']}")
        self._add("rect", x=x + 1, y=y + side - fill, width=side - 2, height=max(0, fill - 1), fill=USED)
        if SIGNS[node["is"]]:
            self._add("rect", x=x + side - 11, y=y + 1, width=10, height=9, rx=2, fill=SURFACE)
            self._words(x + side - 5.5, y + 9, SIGNS[node["is"]], size=10, fill=BORDERS[node["is"]], anchor="middle")

    def _cell(self, state: str, x: float, y: float) -> None:
        fill = {"used": USED, "drifting": "url(#drifting)"}.get(state, SURFACE)
        stroke = {"used": USED, "drifting": DRIFT, "quarantined": QUARANTINE}.get(state, FREE)
        cell = self._box(x + 0.5, y + 0.5, 7, 11, fill=fill, stroke=stroke, radius=1.5)
        if state == "outside":
            cell.set("stroke-dasharray", "1.5 1.5")
        lines = {"quarantined": "M1 1 7 11M7 1 1 11", "withheld": "M1 6H7"}.get(state)
        if lines:
            self._add("path", d=lines, transform=f"translate({x:g} {y:g})", stroke=stroke, fill="none")

    def _legend(self, y: float) -> float:
        x = float(MARGIN)
        if not self._has_cells:
            said = (
                "A square is a NIC, filled as far as pods use its addresses; ≠ its node drifts, … waits, ! has findings"
            )
            self._words(x, y + 10, said, fill=MUTED)
            return y + 12 + MARGIN
        for state, says in LEGEND.items():
            self._cell(state, x, y)
            self._words(x + 14, y + 10, says, fill=MUTED)
            x += 14 + 7 * len(says) + 20
        return y + 12 + MARGIN

    def _words(
        self, x: float, y: float, words: str, *, size: int = 12, fill: str = INK, weight: str = "", anchor: str = ""
    ) -> None:
        element = self._add("text", x=x, y=y, fill=fill)
        for key, value in {"font-size": f"{size}", "font-weight": weight, "text-anchor": anchor}.items():
            if value:
                element.set(key, value)
        element.text = _text(words)

    def _box(
        self,
        x: float, y: float, width: float, height: float,
        *, fill: str = SURFACE, stroke: str = LINE, radius: float = 8,
    ) -> ET.Element:  # fmt: skip
        return self._add("rect", x=x, y=y, width=width, height=height, rx=radius, fill=fill, stroke=stroke)

    def _add(self, name: str, **attributes: Attribute) -> ET.Element:
        said = {key: f"{value:g}" if isinstance(value, float | int) else value for key, value in attributes.items()}
        return ET.SubElement(self.root, name, said)


def _hatch() -> ET.Element:
    definitions = ET.Element("defs")
    attributes = {"id": "drifting", "width": "4", "height": "4", "patternUnits": "userSpaceOnUse"}
    pattern = ET.SubElement(definitions, "pattern", {**attributes, "patternTransform": "rotate(45)"})
    ET.SubElement(pattern, "rect", {"width": "2", "height": "4", "fill": DRIFT})
    return definitions


def _short(node: Mapping[str, Any]) -> str:
    return str(node["node"] or "no Node").partition(".")[0]


def _natural(name: str) -> list[Any]:
    """Return what sorts names with numbers as people count: 9 before 10."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", name)]


def _text(words: str) -> str:
    return _UNSAYABLE.sub("�", words)
