import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.ui.examples import HOSTILE, document
from ui.messages import LANGUAGES
from ui.network import Network, network_of
from ui.network_drawing import HEIGHT, WIDTH, network_drawing, placed

CROWD = network_of(
    [
        document(f"d{n}", people=tuple(f"Somebody of a long name {m}" for m in range(n, n + 6)))
        for n in range(0, 30, 2)
    ]
)


def test_no_name_hides_another_or_leaves_the_drawing() -> None:
    boxes = placed(CROWD)
    assert len(boxes) == len(CROWD.nodes) > 20
    for box in boxes:
        assert box.half_width <= box.x <= WIDTH - box.half_width
        assert box.half_height <= box.y <= HEIGHT - box.half_height
    overlaps = [
        (one, other)
        for at, one in enumerate(boxes)
        for other in boxes[at + 1 :]
        if abs(one.x - other.x) < one.half_width + other.half_width - 1
        and abs(one.y - other.y) < one.half_height + other.half_height - 1
    ]
    assert not overlaps


def test_the_same_record_is_drawn_the_same() -> None:
    assert network_drawing(CROWD, "en") == network_drawing(CROWD, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_drawn_can_be_chosen_and_read_as_a_table(language: str) -> None:
    page = LexborHTMLParser(network_drawing(CROWD, language))
    nodes = page.css("svg [role=button]")
    assert len(nodes) == len(CROWD.nodes)
    assert all(node.attributes["tabindex"] == "0" and node.attributes["aria-label"] for node in nodes)
    in_table = [button.attributes["data-value"] for button in page.css("table button")]
    assert in_table == [node.attributes["data-value"] for node in nodes]


def test_names_are_shown_as_text() -> None:
    network = network_of([document("d", people=(HOSTILE, "Ada Moreau"), organisations=("A\u202eB\x00",))])
    page = LexborHTMLParser(network_drawing(network, "en"))
    assert not page.css("script, img, [onerror], a")
    assert HOSTILE in {node.attributes["data-value"] for node in page.css("[data-value]")}


def test_an_empty_network_says_how_names_come_into_it() -> None:
    html = network_drawing(Network(), "en")
    assert "people:" in html
    assert "<svg" not in html
