"""Answers written by a language model, through the one flow, on the mission record with the real reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.answer.generative import REFUSAL, Write, WritingLimits
from rag.answer.prompts import prompt, version
from rag.answer.verify import Verify
from rag.condense import Condense
from rag.domain import Answer, Completed, Delta, Question, Retrieved, Turn
from rag.errors import LanguageModelError
from rag.pipeline import Gate, Generation, Pipeline
from rag.ports import Message
from rag.wiring import Application
from tests.contracts.answers import check_answer
from tests.fakes import ScriptedLanguageModel, ScriptedReply

ASKED = "How far is MediNet's facility from Haneda Airport?"
WRITTEN = "Haneda Airport is 10 minutes away from MediNet's Shinagawa facility"
NOBODY = "Did the delegation meet Takeda?"
DEFAULT_LIMITS = WritingLimits()


def cited(text: str, holding: str = "Haneda") -> ScriptedReply:
    """A reply in which `{id}` is the id of the passage that holds a text."""

    def write(messages: Sequence[Message]) -> str:
        found = re.findall(r'<(passage-\w+) id="(\w+)".*?>\n(.*?)\n</\1>', messages[-1].content, re.DOTALL)
        label = next((label for _, label, shown in found if holding in shown), found[0][1])
        return text.replace("{id}", label)

    return write


def pipeline(
    application: Application,
    model: ScriptedLanguageModel,
    gate: Gate = "evidence",
    limits: WritingLimits = DEFAULT_LIMITS,
) -> Pipeline:
    embedder = application.embedder
    write = Write(model, Verify(embedder, application.reader), embedder.count_tokens, limits)
    return application.pipeline_with(Generation(Condense(model), write, gate))


def ask(application: Application, model: ScriptedLanguageModel, question: str = ASKED) -> Answer:
    answer = pipeline(application, model).ask(Question(question))
    check_answer(answer, application.catalog)
    return answer


def test_what_a_model_writes_is_cited_to_the_sentence(application: Application) -> None:
    model = ScriptedLanguageModel(cited(f"{WRITTEN} [{{id}}]."))
    answer = ask(application, model)
    assert (answer.status, answer.answerer, answer.model) == ("answered", "generative", "scripted")
    assert answer.answer == f"{WRITTEN}. [1]"
    assert "Haneda Airport is just 10 minutes away" in answer.citations[0].quote
    assert answer.short_answer == "10 minutes away"
    assert answer.tokens
    assert answer.tokens.read > answer.tokens.written > 10
    assert answer.prompt == version("answer", "question")
    assert answer.fallback_reason is None
    assert {"write", "verify"} <= answer.timings_ms.keys()


def test_a_sentence_that_no_source_supports_is_not_in_the_answer(application: Application) -> None:
    wrong = "It has 90 floors"
    model = ScriptedLanguageModel(cited(f"{WRITTEN} [{{id}}]. {wrong} [{{id}}]."))
    answer = ask(application, model)
    assert "90" not in answer.answer
    assert answer.unsupported == (f"{wrong}.",)


def test_it_can_be_kept_with_a_mark(application: Application) -> None:
    model = ScriptedLanguageModel(cited(f"{WRITTEN} [{{id}}]. It has 90 floors [{{id}}]."))
    flow = pipeline(application, model, limits=WritingLimits(keep_unsupported=True))
    answer = flow.ask(Question(ASKED))
    assert answer.answer == f"{WRITTEN}. [1] It has 90 floors. (no source)"
    assert answer.unsupported == ("It has 90 floors.",)


def test_where_nothing_is_supported_nothing_is_said(application: Application) -> None:
    answer = ask(
        application, ScriptedLanguageModel(cited("The facility is made of 90 tons of glass [{id}]."))
    )
    assert (answer.status, answer.reason, answer.answerer) == ("not_found", "unsupported", "generative")
    assert answer.citations == ()
    assert answer.unsupported


@pytest.mark.parametrize("reply", [REFUSAL, f"{REFUSAL}.", f"**{REFUSAL}**", "NOT\\_IN\\_THE\\_PASSAGES"])
def test_a_model_may_decline(application: Application, reply: str) -> None:
    answer = ask(application, ScriptedLanguageModel(reply))
    assert (answer.status, answer.reason) == ("not_found", "declined")
    assert REFUSAL not in answer.answer
    assert answer.unsupported == ()


def test_no_model_is_asked_where_the_reader_finds_nothing(application: Application) -> None:
    model = ScriptedLanguageModel("Yes, they met Takeda.")
    answer = ask(application, model, NOBODY)
    assert (answer.status, answer.answerer, answer.model) == ("not_found", "extractive", None)
    assert not model.requests


def test_the_gate_can_be_opened(application: Application) -> None:
    model = ScriptedLanguageModel(REFUSAL)
    pipeline(application, model, gate="names").ask(Question(NOBODY))
    assert not model.requests
    pipeline(application, model, gate="open").ask(Question(NOBODY))
    assert len(model.requests) == 1


def test_a_model_that_fails_costs_the_answer_nothing(application: Application) -> None:
    extractive = pipeline(application, ScriptedLanguageModel("")).ask(Question(ASKED, mode="extractive"))
    answer = ask(application, ScriptedLanguageModel(LanguageModelError("The language model timed out.")))
    assert answer.fallback_reason == "The language model timed out."
    assert answer.answerer == "extractive"
    same = {"id": "", "timings_ms": {}, "fallback_reason": None, "reading": None}
    assert replace(answer, **same) == replace(extractive, **same)


@pytest.mark.parametrize(
    "reply", ["", LanguageModelError("It broke."), ("The facility is near", LanguageModelError("It broke."))]
)
def test_a_reply_that_is_none_or_breaks_off_is_a_failure(
    application: Application, reply: ScriptedReply
) -> None:
    model = ScriptedLanguageModel(reply)
    answer = ask(application, model)
    assert (answer.status, answer.answerer) == ("answered", "extractive")
    assert answer.fallback_reason
    assert model.ended == 1


def test_extractive_mode_asks_no_model(application: Application) -> None:
    model = ScriptedLanguageModel("x")
    answer = pipeline(application, model).ask(Question(ASKED, mode="extractive"))
    assert (answer.answerer, answer.fallback_reason, model.requests) == ("extractive", None, [])


def test_sentences_are_told_as_they_are_checked_and_never_one_that_is_not(application: Application) -> None:
    model = ScriptedLanguageModel(
        cited(f"{WRITTEN} [{{id}}]. It has 90 floors [{{id}}]. Its location is convenient [{{id}}].")
    )
    first, *between, last = pipeline(application, model).stream(Question(ASKED))
    assert isinstance(first, Retrieved)
    assert isinstance(last, Completed)
    deltas = [event.text for event in between if isinstance(event, Delta)]
    assert deltas[0] == f"{WRITTEN}. [1]"
    assert "".join(deltas) == last.answer.answer
    assert "90" not in "".join(deltas)


def test_the_call_ends_when_nobody_listens_any_more(application: Application) -> None:
    model = ScriptedLanguageModel(cited(f"{WRITTEN} [{{id}}]. " + "And so on. " * 500))
    events = pipeline(application, model).stream(Question(ASKED))
    for event in events:
        if isinstance(event, Delta):
            break
    events.close()  # type: ignore[attr-defined]
    assert model.ended == 1


def test_a_follow_up_is_condensed_by_the_model(application: Application) -> None:
    model = ScriptedLanguageModel("How far is MediNet from Haneda Airport?", cited(f"{WRITTEN} [{{id}}]."))
    history = (
        Turn("user", "What is MediNet?"),
        Turn("assistant", "MediNet is a CDMO with a facility in Shinagawa."),
    )
    answer = pipeline(application, model).ask(Question("How far is it from Haneda Airport?", history=history))
    assert answer.standalone_question == "How far is MediNet from Haneda Airport?"
    assert answer.status == "answered"


def test_a_follow_up_that_the_model_spoils_is_resolved_without_it(application: Application) -> None:
    model = ScriptedLanguageModel("How far is Narita Airport from Takeda?", cited(f"{WRITTEN} [{{id}}]."))
    history = (
        Turn("user", "What is MediNet?"),
        Turn("assistant", "MediNet is a CDMO with a facility in Shinagawa."),
    )
    answer = pipeline(application, model).ask(Question("How far is it from Haneda Airport?", history=history))
    assert answer.standalone_question == "How far is MediNet from Haneda Airport?"


def test_a_fresh_question_costs_no_second_call(application: Application) -> None:
    model = ScriptedLanguageModel(cited(f"{WRITTEN} [{{id}}]."))
    history = (Turn("user", "What is MediNet?"), Turn("assistant", "A CDMO."))
    pipeline(application, model).ask(Question(ASKED, history=history))
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        (
            "MediNet の施設は Haneda Airport からどのくらいの距離ですか？",
            "MediNet の品川施設は Haneda Airport から10分です [{id}]。",
        ),
        (
            "MediNet 的設施離 Haneda Airport 有多遠？",
            "MediNet 的品川設施距離 Haneda Airport 僅10分鐘 [{id}]。",
        ),
    ],
)
def test_a_question_in_another_language_is_searched_in_english_and_answered_in_its_own(
    application: Application, question: str, reply: str
) -> None:
    model = ScriptedLanguageModel(ASKED, cited(reply))
    answer = pipeline(application, model).ask(Question(question))
    check_answer(answer, application.catalog)
    assert answer.status == "answered"
    assert answer.standalone_question == ASKED
    assert "Haneda Airport is just 10 minutes away" in answer.citations[0].quote
    assert "10" in answer.answer
    assert question in model.requests[-1][-1].content


def test_a_question_in_another_language_is_refused_where_the_model_fails(application: Application) -> None:
    model = ScriptedLanguageModel(LanguageModelError("The language model timed out."))
    answer = pipeline(application, model).ask(Question("MediNet の施設はどこにありますか？"))
    assert (answer.status, answer.reason) == ("not_found", "unsupported_language")
    assert answer.fallback_reason == "The language model timed out."


def test_the_prompt_names_the_refusal_and_an_id_that_is_shown(application: Application) -> None:
    model = ScriptedLanguageModel(REFUSAL)
    ask(application, model)
    system, user = model.requests[0]
    assert REFUSAL in system.content
    example = re.search(r"as \[(\w+)\]", system.content)
    assert example
    assert f'id="{example[1]}"' in user.content
    assert user.content.endswith(f"Question: {ASKED}")


def test_a_prompt_is_known_by_its_content() -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", version("answer", "question"))
    assert version("answer") != version("question")
    assert "$passages" in prompt("question").template
