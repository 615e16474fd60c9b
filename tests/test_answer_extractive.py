"""The extractive answerer: whatever it chooses are sentences of the evidence, word for word and each once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rag.answer.extractive import MOST_LISTED, answer
from rag.domain import BlockKind, Evidence, Passage, Reading, Sentence
from tests.fakes import evidence_of, passage_of

THRESHOLD = 0.5
QUAY = passage_of("The quay of Elsin cost 42 million euros.", "Ada Moreau led the building of the quay.")
LAMP = passage_of("The lamp shines at night.", document_id="lamp")


def reading(*evidence: Evidence, reason: str | None = None) -> Reading:
    ordered = tuple(sorted(evidence, key=lambda found: -found.score))
    return Reading(ordered, ordered[0].score if ordered else 0.0, reason)


def test_the_best_sentence_answers() -> None:
    draft = answer(
        ["What did the quay of Elsin cost?"],
        reading(evidence_of(QUAY, 0, 0.9), evidence_of(LAMP, 0, 0.1)),
        THRESHOLD,
    )
    assert [statement.text for statement in draft.statements] == ["The quay of Elsin cost 42 million euros."]
    assert draft.statements[0].evidence[0].hit.passage == QUAY
    assert draft.confidence == 0.9
    assert draft.reason is None


def test_nothing_below_the_threshold_is_said() -> None:
    draft = answer(
        ["What did the quay cost?"], reading(evidence_of(QUAY, 0, 0.49), reason="no_evidence"), THRESHOLD
    )
    assert draft.statements == ()
    assert draft.reason == "no_evidence"


def test_without_evidence_nothing_is_said_and_the_unknown_name_is_passed_on() -> None:
    draft = answer(["Who is Zorro?"], Reading((), 0.0, "unknown_name", ("Zorro",)), THRESHOLD)
    assert (draft.statements, draft.reason, draft.unknown_names) == ((), "unknown_name", ("Zorro",))


def test_each_part_of_a_question_is_answered() -> None:
    draft = answer(
        ["What did the quay cost?", "When does the lamp shine?"],
        reading(evidence_of(QUAY, 0, 0.9, part=0), evidence_of(LAMP, 0, 0.8, part=1)),
        THRESHOLD,
    )
    assert {statement.text for statement in draft.statements} == {
        QUAY.sentences[0].text,
        LAMP.sentences[0].text,
    }


def test_the_same_sentence_is_not_said_twice() -> None:
    copy = passage_of(QUAY.sentences[0].text, document_id="copy")
    draft = answer(
        ["What did the quay of Elsin cost?", "How much was the quay?"],
        reading(*(evidence_of(passage, 0, 0.9, part) for passage in (QUAY, copy) for part in (0, 1))),
        THRESHOLD,
    )
    assert [statement.text for statement in draft.statements] == [QUAY.sentences[0].text]


def listing(items: int) -> Passage:
    passage = passage_of("These firms took part:", *(f"Firm number {number}" for number in range(items)))
    kinds = [BlockKind.PARAGRAPH, *[BlockKind.LIST_ITEM] * items]
    return replace(
        passage,
        sentences=tuple(
            replace(found, kind=kind) for found, kind in zip(passage.sentences, kinds, strict=True)
        ),
    )


def test_a_list_comes_whole_behind_what_opens_it() -> None:
    passage = listing(5)
    draft = answer(["Which firms took part?"], reading(evidence_of(passage, 0, 0.9)), THRESHOLD)
    assert [statement.text for statement in draft.statements] == [found.text for found in passage.sentences]
    assert [statement.listed for statement in draft.statements] == [False, True, True, True, True, True]


def test_a_very_long_list_is_cut() -> None:
    draft = answer(["Which firms took part?"], reading(evidence_of(listing(200), 0, 0.9)), THRESHOLD)
    assert len(draft.statements) <= MOST_LISTED + 1


SENTENCES = st.lists(
    st.text(st.sampled_from("abcdefg .:"), min_size=3, max_size=30).filter(lambda text: bool(text.strip())),
    min_size=1,
    max_size=8,
    unique=True,
)


@given(SENTENCES, st.data())
def test_all_that_is_said_is_evidence_above_the_threshold_or_a_list_that_it_opens(
    sentences: list[str], data: st.DataObject
) -> None:
    passage = passage_of(*(text.strip() for text in sentences))
    evidence = [
        evidence_of(passage, number, data.draw(st.floats(0, 1)), data.draw(st.integers(0, 1)))
        for number in range(len(sentences))
    ]
    read = reading(*evidence)
    questions = ["What is abc?", "Who are def and gab?"]
    draft = answer(questions, read, THRESHOLD)
    assert answer(questions, read, THRESHOLD) == draft
    spoken: list[Sentence] = []
    for statement in draft.statements:
        for found in statement.evidence:
            assert statement.text == found.sentence.text
            assert found.sentence in passage.sentences
            assert found.score >= THRESHOLD
            spoken.append(found.sentence)
    assert len({sentence.start for sentence in spoken}) == len(spoken)
    best = max(found.score for found in evidence)
    assert bool(draft.statements) == (best >= THRESHOLD)
    assert draft.confidence == read.answerability
