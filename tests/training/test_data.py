"""The data side of the training: splits, texts, variants, made-up questions."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from rag.training.examples import SHARES, Mixture
from rag.training.invented import invent
from rag.training.negatives import Bm25, hard_negatives
from rag.training.sentences import detokenise, sentence_spans
from rag.training.sources import (
    HELD_OUT,
    Collection,
    Paragraph,
    Question,
    best_occurrence,
    read_squad,
    split_of,
)
from rag.training.unanswerable import absent_attribute, made_up, names_in, swapped_name, swapped_number
from rag.training.variants import Passage, as_list, keywords, misspelt, styled, windowed, without_answers

TEXT = (
    "The bridge was opened in 1931. It was designed by Clara Stone, an engineer from Leeds. "
    "Its length is 420 metres. Tolls were dropped in 1950."
)


def span_of(answer: str, text: str = TEXT) -> tuple[int, int]:
    start = text.index(answer)
    return start, start + len(answer)


def small_collection(articles: int = 12) -> Collection:
    collection = Collection("squad-v2")
    for number in range(articles):
        text = TEXT.replace("bridge", f"bridge of Town{number}").replace("1931", str(1901 + number))
        for _ in range(2):
            collection.paragraphs.append(Paragraph(f"article {number}", f"Bridge {number}", text))
            text = (
                text.replace("length", "height")
                .replace("Stone", "Wood")
                .replace("420", "37")
                .replace("19", "18")
            )
        first = 2 * number
        passage = collection.paragraphs[first].text
        collection.questions.append(
            Question(f"{number}:0", "Who designed the bridge?", first, (span_of("Clara Stone", passage),))
        )
        collection.questions.append(
            Question(
                f"{number}:1",
                f"When was the bridge of Town{number} opened?",
                first,
                (span_of(str(1901 + number), passage),),
            )
        )
        collection.questions.append(Question(f"{number}:2", "Who paid for the bridge?", first, ()))
    return collection


def test_articles_are_split_by_name_alone() -> None:
    collection = small_collection()
    splits = split_of(collection)
    turned = Collection(collection.name, collection.paragraphs[::-1], [])
    assert splits == split_of(turned)
    counts = [list(splits.values()).count(split) for split in ("development", "test")]
    assert tuple(counts) == HELD_OUT["squad-v2"]


def test_a_restricted_collection_keeps_each_question_with_its_paragraph() -> None:
    collection = small_collection()
    part = collection.restricted({"article 3", "article 7"})
    assert len(part.paragraphs) == 4
    assert len(part.questions) == 6
    for question in part.questions:
        number = question.id.split(":")[0]
        assert part.paragraphs[question.paragraph].article == f"article {number}"


def test_of_two_occurrences_the_one_in_the_sentence_that_was_asked_about_is_taken() -> None:
    text = "Rome was large in 410. The siege began in Ostia. The Goths took Rome after a long siege."
    assert best_occurrence("Rome", text, "What did the Goths take after the siege?") == (64, 68)
    assert best_occurrence("Rom", text, "anything") is None


def test_squad_questions_without_a_place_in_the_text_are_left_out(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "question": "When?", "answers": [{"text": "1931", "answer_start": 0}]},
        {"id": "b", "question": "Who?", "answers": [{"text": "Nobody", "answer_start": 0}]},
        {"id": "c", "question": "Why?", "answers": [], "is_impossible": True},
    ]
    data = {"data": [{"title": "A_bridge", "paragraphs": [{"context": TEXT, "qas": rows}]}]}
    (tmp_path / "squad.json").write_text(json.dumps(data), encoding="utf-8")
    read = read_squad(tmp_path / "squad.json", "squad-v2")
    assert [(question.id, bool(question.answers)) for question in read.questions] == [
        ("a", True),
        ("c", False),
    ]
    assert read.paragraphs[0].title == "A bridge"


def test_undoing_tokenisation_moves_the_spans_along() -> None:
    tokenised = "It was won ( in 1921 ) by Smith , of Leeds , who said `` never '' ."
    spans = [span_of("1921", tokenised), span_of("Smith", tokenised)]
    text, moved = detokenise(tokenised, spans)
    assert "(in 1921) by Smith, of Leeds," in text
    assert [text[start:end] for start, end in moved] == ["1921", "Smith"]


def test_sentences_are_not_ended_by_abbreviations() -> None:
    text = "Dr. Lin met J. Sato at 3.5 km. They spoke.\nThen they left"
    assert [text[a:b] for a, b in sentence_spans(text)] == [
        "Dr. Lin met J. Sato at 3.5 km.",
        "They spoke.",
        "Then they left",
    ]


@pytest.mark.parametrize("seed", range(40))
def test_no_look_of_a_passage_loses_its_answer(seed: int) -> None:
    rng = random.Random(seed)
    passage = Passage(TEXT, (span_of("Clara Stone"),))
    cut = windowed(passage, 90, rng)
    shown = styled(cut, "A bridge", rng)
    assert len(cut.text) < len(TEXT)
    assert [shown.text[a:b] for a, b in shown.answers] == ["Clara Stone"]


def test_a_list_keeps_the_answer_in_its_item() -> None:
    listed = as_list(Passage(TEXT, (span_of("420 metres"),)), random.Random(1))
    assert len(listed.text.splitlines()) == 4
    assert [listed.text[a:b] for a, b in listed.answers] == ["420 metres"]


def test_a_passage_without_its_answer_says_nothing_of_it() -> None:
    rest = without_answers(Passage(TEXT, (span_of("1931"),)))
    assert rest is not None
    assert "1931" not in rest.text
    assert "Clara Stone" in rest.text
    assert without_answers(Passage("It was 1931. Yes, 1931.", ((7, 11),))) is None


def test_wordings_keep_what_is_asked_about() -> None:
    assert keywords("When was the bridge of Leeds opened?") == "When bridge Leeds opened"
    slipped = misspelt("When was the bridge of Leeds opened?", random.Random(2))
    assert slipped != "When was the bridge of Leeds opened?"
    assert "Leeds" in slipped


def test_a_swapped_name_is_one_that_the_passage_lacks() -> None:
    changed = swapped_name("Where did Clara Stone study?", TEXT, ["Leeds", "Maria Okafor"], random.Random(0))
    assert changed == "Where did Maria Okafor study?"
    assert swapped_name("Where did she study?", TEXT, ["Maria Okafor"], random.Random(0)) is None


def test_a_swapped_number_is_one_that_the_passage_lacks() -> None:
    for seed in range(30):
        changed = swapped_number("What happened in 1931?", TEXT, random.Random(seed))
        assert changed is not None
        assert changed[-5:-1].isdigit()
        assert changed[-5:-1] not in TEXT


def test_an_absent_attribute_has_no_word_in_the_passage() -> None:
    asked = {absent_attribute(TEXT, names_in(TEXT), random.Random(seed)) for seed in range(60)} - {None}
    assert len(asked) > 20
    assert not any("designed" in str(question) for question in asked)
    assert all("Leeds" in str(question) or "Clara Stone" in str(question) for question in asked)


def test_made_up_questions_differ_from_the_one_they_are_made_from() -> None:
    question = "What did Clara Stone of Leeds design in 1931?"
    made = {made_up(question, TEXT, ["Maria Okafor", "Lyon"], random.Random(seed)) for seed in range(40)}
    assert len(made) > 5
    assert question not in made


def test_bm25_ranks_the_text_with_the_rare_word_first() -> None:
    index = Bm25(["a bridge in a town", "a town", "the toll of the bridge in the town"])
    assert index.ranked("the toll of a bridge", 2) == [2, 0]
    assert index.ranked("nothing", 3) == []


def test_hard_negatives_hold_no_answer() -> None:
    collection = small_collection()
    for identity, numbers in hard_negatives(collection, 3).items():
        article, kind = identity.split(":")
        assert all(collection.paragraphs[number].article == f"article {article}" for number in numbers)
        if kind == "0":
            assert all("Clara Stone" not in collection.paragraphs[number].text for number in numbers)


def test_invented_answers_stand_in_their_text_and_half_the_questions_have_none() -> None:
    rng = random.Random(3)
    items = [item for _ in range(300) for item in invent(rng)]
    answered = [item for item in items if item.answers]
    assert 0.4 < len(answered) / len(items) < 0.6
    for item in items:
        assert not set("[]{}") & set(item.text + item.question)
        for start, end in item.answers:
            assert 0 <= start < end <= len(item.text)
            assert item.text[start:end].strip() == item.text[start:end]


def test_the_mixture_draws_the_same_twice_and_anew_in_each_pass() -> None:
    mixture = Mixture([small_collection()], seed=4)
    first = mixture.drawn(0)
    assert first == Mixture([small_collection()], seed=4).drawn(0)
    assert first != mixture.drawn(1)
    kinds = {example.kind for example in first}
    assert {"answered", "misleading", "removed", "changed", "invented"} <= kinds
    assert all((example.answer is not None) == ("answered" in example.kind) for example in first)
    assert set(SHARES) == {*HELD_OUT, "records"}
