from hypothesis import given
from hypothesis import strategies as st

from tests.ui.examples import document
from ui.network import MOST_EVENTS, MOST_NAMES, NodeKind, network_of

HARBOUR = document(
    "harbour",
    "Ada Moreau opened the quay.",
    "The Port of Elsin and Brandt Marine built it.",
    title="Opening of the quay",
    kind="ceremony",
    people=("Ada Moreau",),
    organisations=("Port of Elsin", "Brandt Marine"),
)


def _pairs(*documents: object) -> set[frozenset[str]]:
    network = network_of(documents)  # type: ignore[arg-type]
    nodes = network.nodes
    return {frozenset((nodes[link.first].name, nodes[link.second].name)) for link in network.links}


def test_those_of_one_document_are_linked_and_told_apart() -> None:
    network = network_of([HARBOUR])
    assert {node.name: node.kind for node in network.nodes} == {
        "Ada Moreau": NodeKind.PERSON,
        "Port of Elsin": NodeKind.ORGANISATION,
        "Brandt Marine": NodeKind.ORGANISATION,
        "Opening of the quay": NodeKind.EVENT,
    }
    assert frozenset(("Ada Moreau", "Opening of the quay")) in _pairs(HARBOUR)
    weights = {
        frozenset((network.nodes[link.first].name, network.nodes[link.second].name)): link.weight
        for link in network.links
    }
    # Both stand in the front matter of four and in a section of their own.
    assert weights[frozenset(("Port of Elsin", "Brandt Marine"))] == 1 / 3 + 1


def test_a_name_declared_in_one_document_is_found_in_the_text_of_others() -> None:
    minutes = document(
        "minutes", "Ada Moreau met Ines Okafor, of the Port of Elsinore.", people=("Ines Okafor",)
    )
    assert frozenset(("Ada Moreau", "Ines Okafor")) in _pairs(HARBOUR, minutes)
    nodes = {node.name: node for node in network_of([HARBOUR, minutes]).nodes}
    assert nodes["Ada Moreau"].documents == ("harbour", "minutes")
    assert nodes["Port of Elsin"].documents == ("harbour",)


def test_names_are_found_in_documents_that_declare_none() -> None:
    text = "Yesterday Ada Moreau met Ines Okafor at the quay."
    network = network_of([document("one", text), document("two", text)])
    assert {(node.name, node.kind) for node in network.nodes} == {
        ("Ada Moreau", NodeKind.NAME),
        ("Ines Okafor", NodeKind.NAME),
    }


def test_a_list_of_guests_says_less_than_a_meeting() -> None:
    guests = document("guests", people=tuple(f"Guest {number}" for number in range(100)))
    meeting = document("meeting", people=("Guest 1", "Guest 2"))
    network = network_of([guests, meeting])
    first = max(network.links, key=lambda link: link.weight)
    assert {network.nodes[first.first].name, network.nodes[first.second].name} == {"Guest 1", "Guest 2"}


def test_there_are_no_more_than_can_be_read() -> None:
    crowd = [
        document(f"d{n}", title=f"Visit {n}", kind="visit", people=tuple(f"P{n}-{m}" for m in range(20)))
        for n in range(30)
    ]
    network = network_of(crowd)
    assert len(network.nodes) <= MOST_NAMES + MOST_EVENTS
    assert network.names == 30 * 21
    used = {number for link in network.links for number in (link.first, link.second)}
    assert used == set(range(len(network.nodes)))


def test_nobody_with_nobody_is_no_network() -> None:
    assert network_of([]).links == ()
    assert network_of([document("alone", "Ada Moreau.", people=("Ada Moreau",))]).nodes == ()


@given(st.lists(st.tuples(st.text(), st.lists(st.text(max_size=12), max_size=4)), max_size=5))
def test_any_record_has_one(record: list[tuple[str, list[str]]]) -> None:
    documents = [
        document(str(number), text, people=tuple(people)) for number, (text, people) in enumerate(record)
    ]
    network = network_of(documents)
    assert network == network_of(documents)
    assert all(0 <= link.first < link.second < len(network.nodes) for link in network.links)
