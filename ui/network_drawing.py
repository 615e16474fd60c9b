"""A network as a drawing that can be chosen from, and as a table that says the same. Pure, and always the same.

Places come from the spring model of Fruchterman and Reingold 1991, as networkx has it; then names are moved apart until
none hides another.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text import one_line
from ui.markup import text
from ui.messages import message
from ui.network import Network, Node, NodeKind
from ui.sources import clipped
from ui.wording import counted

WIDTH, HEIGHT, MARGIN = 1120, 720, 24
FONT = 14
# Mean width of a character of the reader's font to its size; those of East Asia are as wide as high.
NARROW, WIDE = 0.58, 1.0
LABEL_CHARACTERS = 28
GAP = 8
ROUNDS = 400
SEED = 1


@dataclass(slots=True)
class Box:
    """Where a node with its name stands: the middle, and half the width and height."""

    x: float
    y: float
    half_width: float
    half_height: float


def network_drawing(network: Network, language: str) -> str:
    """The drawing with its legend and table; where there is nothing to draw, why."""
    if not network.links:
        return (
            f'<p class="empty"><strong>{message("pictures.network.none", language)}</strong> '
            f"{message('pictures.network.none.note', language)}</p>"
        )
    shown = message("pictures.network.shown", language, shown=len(network.nodes), names=f"{network.names:,}")
    return (
        f'{_legend(network, language)}<div class="drawing" tabindex="0" role="group"'
        f' aria-label="{message("pictures.network", language)}">{_svg(network, language)}</div>'
        f'<p class="remark">{shown}</p>{_table(network, language)}'
    )


def _legend(network: Network, language: str) -> str:
    present = {node.kind for node in network.nodes}
    entries = "".join(
        f'<li><svg viewBox="-8 -8 16 16" width="14" height="14" aria-hidden="true">{_symbol(kind, 6)}</svg>'
        f"{message(f'pictures.node.{kind}', language)}</li>"
        for kind in NodeKind
        if kind in present
    )
    return f'<ul class="legend">{entries}</ul>'


def _svg(network: Network, language: str) -> str:
    boxes = placed(network)
    most = max(link.weight for link in network.links)
    lines = "".join(
        f'<line x1="{boxes[link.first].x:.0f}" y1="{_top(boxes[link.first]):.0f}"'
        f' x2="{boxes[link.second].x:.0f}" y2="{_top(boxes[link.second]):.0f}"'
        f' stroke-width="{1 + 4 * (link.weight / most) ** 0.5:.1f}"/>'
        for link in network.links
    )
    nodes = "".join(_node(node, box, language) for node, box in zip(network.nodes, boxes, strict=True))
    return (
        f'<svg class="network" viewBox="0 0 {WIDTH} {HEIGHT}" role="group">'
        f'<g class="links" aria-hidden="true">{lines}</g>{nodes}</svg>'
    )


def _node(node: Node, box: Box, language: str) -> str:
    spoken = (
        f"{node.name}, {message(f'pictures.node.{node.kind}', language)},"
        f" {counted(len(node.documents), 'document', language)}"
    )
    return (
        f'<g class="node {node.kind}" tabindex="0" role="button" aria-label="{text(one_line(spoken))}"'
        f' data-action="choose" data-field="name" data-value="{text(node.name)}"'
        f' transform="translate({box.x:.0f},{_top(box):.0f})"><title>{text(one_line(spoken))}</title>'
        f"{_symbol(node.kind, _radius(node))}"
        f'<text y="{_radius(node) + FONT}">{text(_label(node))}</text></g>'
    )


def _symbol(kind: NodeKind, radius: float) -> str:
    """Shapes, not colours alone, tell the kinds apart."""
    r = f"{radius:.0f}"
    if kind is NodeKind.PERSON:
        return f'<circle class="{kind}" r="{r}"/>'
    turned = ' transform="rotate(45)"' if kind is NodeKind.EVENT else ""
    rounded = f' rx="{2 if kind is not NodeKind.NAME else 5}"'
    side = f"{2 * radius:.0f}"
    return f'<rect class="{kind}" x="-{r}" y="-{r}" width="{side}" height="{side}"{rounded}{turned}/>'


def _label(node: Node) -> str:
    return clipped(one_line(node.name), LABEL_CHARACTERS)


def _radius(node: Node) -> int:
    return min(5 + round(math.sqrt(node.weight)), 13)


def _top(box: Box) -> float:
    """The middle of the symbol, which stands above the name."""
    return box.y - FONT / 2


def placed(network: Network) -> list[Box]:
    """A place for each node within the drawing, none over another as far as there is room."""
    boxes = [
        Box(
            x,
            y,
            max(_width(_label(node)), 2 * _radius(node)) / 2 + GAP / 2,
            _radius(node) + FONT / 2 + GAP / 2,
        )
        for node, (x, y) in zip(network.nodes, _spread(network), strict=True)
    ]
    for number in range(ROUNDS):
        # Now and then across: at the upper and lower edge there is no other way.
        if not _move_apart(boxes, across=number % 4 == 3):
            break
        for box in boxes:
            box.x = min(max(box.x, MARGIN + box.half_width), WIDTH - MARGIN - box.half_width)
            box.y = min(max(box.y, MARGIN + box.half_height), HEIGHT - MARGIN - box.half_height)
    return boxes


def _width(label: str) -> float:
    return FONT * sum(WIDE if unicodedata.east_asian_width(sign) in "WF" else NARROW for sign in label)


def _spread(network: Network) -> list[tuple[float, float]]:
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(range(len(network.nodes)))
    # Strong links would draw a whole record together into one spot.
    graph.add_weighted_edges_from((link.first, link.second, link.weight**0.5) for link in network.links)
    # Parts without a link between them would fly apart and leave the middle empty.
    for part in networkx.connected_components(graph.copy()):
        if 0 not in part:
            graph.add_edge(0, min(part), weight=0.5)
    found = networkx.spring_layout(graph, k=2.2 / len(network.nodes) ** 0.5, iterations=150, seed=SEED)
    across = _evenly([float(found[number][0]) for number in range(len(network.nodes))])
    up = _evenly([float(found[number][1]) for number in range(len(network.nodes))])
    return [
        (MARGIN + x * (WIDTH - 2 * MARGIN), MARGIN + y * (HEIGHT - 2 * MARGIN))
        for x, y in zip(across, up, strict=True)
    ]


def _evenly(values: Sequence[float]) -> list[float]:
    """From 0 to 1, more by rank than by value: the middle of a spring layout is crowded, its edges are empty."""
    low, high = min(values), max(values)
    order = sorted(range(len(values)), key=lambda number: values[number])
    rank = {number: place / max(len(values) - 1, 1) for place, number in enumerate(order)}
    return [
        0.35 * (value - low) / (high - low or 1) + 0.65 * rank[number] for number, value in enumerate(values)
    ]


def _move_apart(boxes: Sequence[Box], across: bool) -> bool:
    """Each two that overlap, half of it each, across or else along the way that is shorter; whether there were any."""
    moved = False
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            aside = one.half_width + other.half_width - abs(one.x - other.x)
            up = one.half_height + other.half_height - abs(one.y - other.y)
            if aside <= 0 or up <= 0:
                continue
            moved = True
            # Names are broad and low: up or down is nearly always the shorter way.
            if up <= aside and not across:
                step = (up / 2 + 0.5) * (1 if one.y >= other.y else -1)
                one.y, other.y = one.y + step, other.y - step
            else:
                step = (aside / 2 + 0.5) * (1 if one.x >= other.x else -1)
                one.x, other.x = one.x + step, other.x - step
    return moved


def _table(network: Network, language: str) -> str:
    partners: dict[int, list[str]] = {number: [] for number in range(len(network.nodes))}
    for link in sorted(network.links, key=lambda link: -link.weight):
        partners[link.first].append(network.nodes[link.second].name)
        partners[link.second].append(network.nodes[link.first].name)
    rows = "".join(
        f'<tr><th scope="row" dir="auto"><button type="button" data-action="choose" data-field="name"'
        f' data-value="{text(node.name)}">{text(one_line(node.name))}</button></th>'
        f"<td>{message(f'pictures.node.{node.kind}', language)}</td><td>{len(node.documents):,}</td>"
        f'<td dir="auto">{text(", ".join(map(one_line, partners[number])))}</td></tr>'
        for number, node in enumerate(network.nodes)
    )
    head = "".join(
        f'<th scope="col">{message(f"pictures.column.{name}", language)}</th>'
        for name in ("name", "kind", "documents", "together")
    )
    return (
        f'<details class="table"><summary>{message("pictures.table", language)}</summary><div class="scroll">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )
