"""What an LLM wrote is checked against its sources: errors of each kind are caught, the same without them not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.answer.verify import Labelled, Verified, Verify
from rag.domain import Hit
from rag.ports import Embedder
from rag.settings import Settings
from rag.wiring import build
from tests.fakes import passage_of

QUAY = passage_of(
    "The Port of Elsin opened a new container quay on 4 May 2023.",
    "The quay cost 42 million euros and is 310 metres long.",
    "Ada Moreau led the building of the quay.",
    "Visitors may not enter it.",
    document_id="harbour",
    title="Harbour works",
)
LICENCE = passage_of(
    "Brandt Marine licensed the crane technology to Okafor & Daughters in 2021.",
    "The agreement is non-exclusive.",
    document_id="licence",
    title="The crane licence",
)
FERRY = passage_of(
    "The ferry to Varn leaves at 7:30 every morning.",
    "Adults pay 12 euros; children travel free.",
    document_id="ferry",
    title="The Elsin ferry",
)
SOURCES = tuple(
    Labelled(label, Hit(passage, 1.0 / rank, rank))
    for rank, (label, passage) in enumerate(
        zip(("k7f2", "p3d9", "a1b2"), (QUAY, LICENCE, FERRY), strict=True), 1
    )
)
ALLOWED = {source.hit.passage.document_id: source.label for source in SOURCES}


@pytest.fixture(scope="module")
def verify(make_settings: Callable[..., Settings], tmp_path_factory: pytest.TempPathFactory) -> Verify:
    application = build(make_settings(tmp_path_factory.mktemp("verify")))
    return Verify(application.embedder, application.reader)


def checked(verify: Verify, text: str, question: str = "Tell me about Elsin.") -> Verified:
    found = verify(question, text, SOURCES)
    for statement in found.statements:
        for evidence in statement.evidence:
            passage, sentence = evidence.hit.passage, evidence.sentence
            assert (
                passage.text[sentence.start - passage.start : sentence.end - passage.start] == sentence.text
            )
    return found


def cited(found: Verified) -> list[list[str]]:
    """The labels of the passages that each statement rests on."""
    return [
        sorted({ALLOWED[evidence.hit.passage.document_id] for evidence in statement.evidence})
        for statement in found.statements
    ]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("The quay cost 42 million euros [k7f2].", "The quay cost 24 million euros [k7f2]."),
        ("A new quay was opened on 4 May 2023 [k7f2].", "A new quay was opened on 14 May 2023 [k7f2]."),
        ("The quay was opened on 2023-05-04 [k7f2].", "The quay was opened on 2022-05-04 [k7f2]."),
        ("The quay is 310 metres long [k7f2].", "The quay is 310 kilometres long [k7f2]."),
        ("Adults pay 12 euros [a1b2].", "Adults pay 12 dollars [a1b2]."),
        (
            "Ada Moreau was in charge of building the quay [k7f2].",
            "Piet Solheim was in charge of building the quay [k7f2].",
        ),
        (
            "Brandt Marine licensed the crane technology to Okafor & Daughters [p3d9].",
            "Okafor & Daughters licensed the crane technology to Brandt Marine [p3d9].",
        ),
        (
            "The Port of Elsin opened a container quay [k7f2].",
            "The Port of Elsin closed a container quay [k7f2].",
        ),
        ("Visitors may not enter the quay [k7f2].", "Visitors may enter the quay [k7f2]."),
        (
            "The ferry to Varn leaves at 7:30 [a1b2].",
            "The ferry to Varn, run by Brandt Marine, leaves at 8:30 [a1b2].",
        ),
        ("港口於2023年5月4日啟用了新碼頭【k7f2】。", "港口於2023年6月4日啟用了新碼頭【k7f2】。"),
    ],
)
def test_an_error_is_caught_and_the_same_without_it_is_not(verify: Verify, right: str, wrong: str) -> None:
    kept, caught = checked(verify, right), checked(verify, wrong)
    assert len(kept.statements) == 1
    assert not kept.unsupported
    assert not caught.statements
    assert len(caught.unsupported) == 1


def test_a_marker_that_points_nowhere_is_counted_and_the_fact_attributed(verify: Verify) -> None:
    found = checked(verify, "The quay cost 42 million euros [z9x8]. Adults pay 12 euros [17].")
    assert found.invented == 2
    assert cited(found) == [["k7f2"], ["a1b2"]]


@pytest.mark.parametrize("marker", ["", "[a1b2]", "[3]"])
def test_without_its_marker_a_fact_is_attributed_to_the_source_that_has_it(
    verify: Verify, marker: str
) -> None:
    found = checked(verify, f"The quay cost 42 million euros {marker}.")
    assert cited(found) == [["k7f2"]]
    assert found.statements[0].evidence[0].sentence == QUAY.sentences[1]


def test_one_sentence_may_rest_on_two(verify: Verify) -> None:
    found = checked(verify, "The quay was opened on 4 May 2023 and cost 42 million euros [k7f2].")
    assert [evidence.sentence for evidence in found.statements[0].evidence] == list(QUAY.sentences[:2])


def test_items_of_a_list_cite_what_opens_it(verify: Verify) -> None:
    found = checked(
        verify, "About the ferry [3]:\n\n- It leaves at 7:30 every morning\n- Children travel free"
    )
    assert [statement.listed for statement in found.statements][-2:] == [True, True]
    assert cited(found)[-2:] == [["a1b2"], ["a1b2"]]


@pytest.mark.parametrize(
    "text",
    [
        "Based on the provided sources, here is the answer:",
        "I hope this helps!",
        "The sources do not say who paid for it.",
        "# The quay",
        "",
        "[k7f2]",
    ],
)
def test_what_states_nothing_is_dropped_quietly(verify: Verify, text: str) -> None:
    assert checked(verify, text) == Verified((), (), 0)


def test_without_sources_nothing_is_supported(verify: Verify) -> None:
    assert verify("Q", "The quay cost 42 million euros [1].", ()) == Verified(
        (), ("The quay cost 42 million euros.",), 1
    )


def test_a_foreign_sentence_needs_a_marker(verify: Verify) -> None:
    assert checked(verify, "港口於2023年5月4日啟用了新碼頭。").unsupported == (
        "港口於2023年5月4日啟用了新碼頭。",
    )


def test_it_works_without_a_reader(embedder: Embedder, tmp_path: Path) -> None:
    found = checked(
        Verify(embedder, None), "The quay cost 42 million euros [k7f2]. It cost 43 million euros [k7f2]."
    )
    assert cited(found) == [["k7f2"]]
    assert found.unsupported == ("It cost 43 million euros.",)
