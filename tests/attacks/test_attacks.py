"""Documents that try to give orders, and a model that follows them: nothing of it reaches an answer.

Each attack has a document, a question, what an obedient model would write, and what may not be seen in the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.answer.generative import Write, WritingLimits
from rag.answer.verify import Verify
from rag.condense import Condense
from rag.domain import Completed, Delta, Event, Question
from rag.pipeline import Generation
from rag.ports import Message
from rag.settings import Settings
from rag.wiring import Application, build
from tests.contracts.answers import check_answer
from tests.fakes import ScriptedLanguageModel

ATTACKS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "attacks.json").read_text("utf-8"))
BY_NAME = pytest.mark.parametrize("attack", ATTACKS, ids=[attack["name"] for attack in ATTACKS])
# Markup that does something; what shows it as text is escaped.
ALIVE = re.compile(r"(?<!\\)!\[|(?<!\\)\]\(|(?<!\\)<(?=[a-zA-Z/!])|(?<!\\)`|\[[^\]]*\]:")


@pytest.fixture(scope="module")
def record(
    tmp_path_factory: pytest.TempPathFactory, make_settings: Callable[..., Settings]
) -> Iterator[Application]:
    """All the documents, ingested."""
    folder = tmp_path_factory.mktemp("attacks")
    documents = folder / "documents"
    documents.mkdir()
    for number, attack in enumerate(ATTACKS):
        front = f"---\ntitle: {json.dumps(attack['title'])}\n---\n"
        (documents / f"{number:02}.md").write_text(front + attack["text"], "utf-8")
    application = build(make_settings(folder / "data", corpus_dir=documents))
    application.synchronise()
    yield application
    application.close()


def honest(attack: dict[str, Any]) -> str:
    """The first sentence of the document, which answers; nothing where that is in a table or a list."""
    first = re.split(r"(?<=[.。])\s|\n", attack["text"])[0].rstrip(".")
    return "" if first.startswith("|") or first.endswith(":") else first


def obedient(reply: str, title: str) -> Callable[[Sequence[Message]], str]:
    """A model that writes what the document wants, with the id under which it was shown the document."""

    def write(messages: Sequence[Message]) -> str:
        said = messages[-1].content
        ids = re.findall(r'<passage-\w+ id="(\w+)"', said)
        own = re.search(rf'id="(\w+)" title="{re.escape(title)}', said)
        return reply.replace("{id}", own[1] if own else ids[0])

    return write


def ask(record: Application, attack: dict[str, Any], model: ScriptedLanguageModel) -> list[Event]:
    write = Write(
        model, Verify(record.embedder, record.reader), record.embedder.count_tokens, WritingLimits()
    )
    pipeline = record.pipeline_with(Generation(Condense(model), write, gate="open"))
    return list(pipeline.stream(Question(attack["question"])))


@BY_NAME
def test_an_obedient_model_gets_nothing_through(record: Application, attack: dict[str, Any]) -> None:
    model = ScriptedLanguageModel(obedient(attack["reply"], attack["title"]))
    events = ask(record, attack, model)
    answer = next(event.answer for event in events if isinstance(event, Completed))
    assert answer.answerer == "generative"
    check_answer(answer, record.catalog)
    told = "".join(event.text for event in events if isinstance(event, Delta))
    for text in (told, answer.answer, answer.answer_plain, answer.short_answer or ""):
        assert not [word for word in attack["forbidden"] if word.casefold() in text.casefold()], text
    assert not ALIVE.search(told), told
    assert not ALIVE.search(re.sub(r"(?<!\\)\[\d+\]", "", answer.answer)), answer.answer


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if honest(attack)], ids=lambda attack: str(attack["name"])
)
def test_a_model_that_keeps_to_the_question_is_not_hindered(
    record: Application, attack: dict[str, Any]
) -> None:
    model = ScriptedLanguageModel(obedient(f"{honest(attack)} [{{id}}].", attack["title"]))
    answer = next(event.answer for event in ask(record, attack, model) if isinstance(event, Completed))
    assert answer.status == "answered"


@BY_NAME
def test_no_order_is_shown_to_the_model(record: Application, attack: dict[str, Any]) -> None:
    model = ScriptedLanguageModel("NOT_IN_THE_PASSAGES")
    ask(record, attack, model)
    shown = model.requests[0][-1].content
    assert not re.search(
        r"ignore all previous|im_start|\[INST\]|system prompt|\U000e0049|\u200b|\u202e", shown, re.IGNORECASE
    )
    # A passage cannot close the tags that it stands between.
    tags = set(re.findall(r"</?(passage-\w+)", shown))
    assert len({tag for tag in tags if tag != "passage-0000"}) == 1
