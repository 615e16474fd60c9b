"""Answers that a language model writes from the passages, let through sentence by sentence as each is checked."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from rag.answer.context import CountTokens, pack, shown
from rag.answer.draft import Draft, Statement
from rag.answer.prompts import prompt, version
from rag.answer.verify import Labelled, Verify, Written
from rag.domain import Hit, Reading, Usage, Working
from rag.errors import LanguageModelError
from rag.ports import LanguageModel, Message
from rag.stopwatch import Stopwatch

# What a model is asked to write where the passages do not answer. No document and no user would write it so.
REFUSAL = "NOT_IN_THE_PASSAGES"
PROMPTS = ("answer", "question")
# Why nothing was found, though the reader saw evidence.
DECLINED, UNSUPPORTED = "declined", "unsupported"
# What the rules and the question take, beside the passages.
PROMPT_TOKENS = 700
# Of a reply no more is read: what goes on so long answers no question.
MOST_CHARACTERS = 20_000

_REFUSES = re.compile(re.escape(REFUSAL).replace("_", r"[\\_ ]{1,2}"), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WritingLimits:
    """How much a model may read and write, in tokens; whether what no source supports is kept, and marked."""

    context_tokens: int = 4_000
    answer_tokens: int = 700
    keep_unsupported: bool = False


class Write:
    """Has a model write an answer, and checks every sentence before anybody sees it."""

    def __init__(
        self, model: LanguageModel, verify: Verify, count_tokens: CountTokens, limits: WritingLimits
    ) -> None:
        self._model = model
        self._verify = verify
        self._count_tokens = count_tokens
        self._limits = limits

    @property
    def model(self) -> str:
        """The name of the model."""
        return self._model.name

    @property
    def prompt(self) -> str:
        """The version of the prompts."""
        return version(*PROMPTS)

    def __call__(
        self, question: str, meaning: str, reading: Reading, hits: Sequence[Hit], clock: Stopwatch
    ) -> Generator[Working | Draft]:
        """The answer as it grows, with all its sentences checked; last, the whole. `Working` between.

        `question` is what was asked, `meaning` the same standing alone, in English.

        Raises:
            LanguageModelError: the model did not write an answer, or not to its end.
        """
        room = self._limits.context_tokens - PROMPT_TOKENS
        sources = pack(hits, reading, room, self._count_tokens)
        reply = _Reply(meaning, sources, self._verify, reading.answerability, self._limits.keep_unsupported)
        usage: Usage | None = None
        with closing(self._pieces(question, meaning, sources)) as pieces:
            while True:
                with clock.stage("write"):
                    piece = next(pieces, None)
                if piece is None:
                    break
                if isinstance(piece, Usage):
                    usage = piece
                    continue
                with clock.stage("verify"):
                    grown = reply.add(piece)
                yield grown or Working()
        with clock.stage("verify"):
            whole = reply.finish(usage)
        yield whole

    def _pieces(self, question: str, meaning: str, sources: Sequence[Labelled]) -> Generator[str | Usage]:
        written = 0
        messages = _messages(question, meaning, sources)
        with closing(self._model.write(messages, self._limits.answer_tokens)) as pieces:
            for piece in pieces:
                written += len(piece) if isinstance(piece, str) else 0
                yield piece
                if written > MOST_CHARACTERS:
                    raise LanguageModelError("The language model did not come to an end.")
        if not written:
            raise LanguageModelError("The language model wrote nothing.")


def _messages(question: str, meaning: str, sources: Sequence[Labelled]) -> list[Message]:
    example = sources[0].label if sources else "b2c3"
    asked = question if question == meaning else f"{question}\n(It means: {meaning})"
    return [
        Message("system", prompt("answer").substitute(example=example, refusal=REFUSAL)),
        Message("user", prompt("question").substitute(passages=shown(sources), question=asked)),
    ]


def _completed(sentences: Sequence[Written]) -> Sequence[Written]:
    """Those that nothing can be added to: the last may go on, or its marker still come, and so may a list."""
    end = len(sentences) - 1
    while end > 0 and (sentences[end].marked.listed or sentences[end - 1].marked.lead_in):
        end -= 1
    return sentences[: max(end, 0)]


class _Reply:
    """What has been written so far, and what of it has been checked."""

    def __init__(
        self, question: str, sources: Sequence[Labelled], verify: Verify, confidence: float, keep: bool
    ) -> None:
        self._question = question
        self._sources = sources
        self._verify = verify
        self._confidence = confidence
        self._keep = keep
        self._text = ""
        self._checked = 0
        self._statements: list[Statement] = []
        self._unsupported: list[str] = []
        self._declined = False

    def add(self, piece: str) -> Draft | None:
        """The answer so far where the piece completed a sentence that a source supports."""
        self._text += piece
        if not re.search(r"[.!?。！？\n]", piece):
            return None
        before = len(self._statements)
        self._check(_completed(self._sentences()))
        return self._draft(None) if len(self._statements) > before else None

    def finish(self, usage: Usage | None) -> Draft:
        """The whole answer."""
        self._check(self._sentences())
        self._declined = bool(_REFUSES.search(self._text))
        return self._draft(usage)

    def _sentences(self) -> list[Written]:
        return list(self._verify.sentences(self._question, self._text, self._sources))

    def _check(self, sentences: Sequence[Written]) -> None:
        for written in sentences[self._checked :]:
            self._checked += 1
            if _REFUSES.search(written.text):
                continue
            verdict = self._verify.check(written, self._sources)
            self._statements += verdict.statements
            self._unsupported += verdict.unsupported
            if self._keep:
                kept = [
                    Statement(text, (), written.marked.listed, unsupported=True)
                    for text in verdict.unsupported
                ]
                self._statements += kept

    def _draft(self, usage: Usage | None) -> Draft:
        supported = any(statement.evidence for statement in self._statements)
        return Draft(
            tuple(self._statements) if supported else (),
            None,
            self._confidence,
            reason=None if supported else DECLINED if self._declined else UNSUPPORTED,
            unsupported=tuple(self._unsupported),
            usage=usage,
        )
