"""Where the time of one question goes: the floor, the search, each stage of an answer, and how much is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from eval.benchmarks.ratios import ratio_of_medians, spread, times
from eval.benchmarks.section import Plan, Section, Table, Tell
from eval.benchmarks.texts import write_texts
from eval.benchmarks.throughput import questions
from eval.workspace import opened
from rag.domain import Passage, Question
from rag.ports import Embedder, Progress, Reader, SpanLogits, Vector
from rag.settings import Settings, bundled_corpus
from rag.wiring import Application, build

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What of the whole is in no stage: the way through the gate in front of the pipeline and back.
REST = "between the stages"
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many questions of the bundled record and of generated text are asked, how often, and of how much text."""

    questions: int | None
    generated_questions: int
    passages: int
    rounds: int


QUICK = Sizes(questions=6, generated_questions=4, passages=40, rounds=1)
WHOLE = Sizes(questions=None, generated_questions=100, passages=1_000, rounds=2)


class Work(BaseModel):
    """What the models were given for one question: in how many calls, how much, and how many tokens that was.

    `read` counts pairs of the question and a passage. A call is one pass through a model, or more where it is given
    more than fits one batch.
    """

    embedding_calls: int = 0
    embedded: int = 0
    embedded_tokens: int = 0
    reading_calls: int = 0
    read: int = 0
    read_tokens: int = 0


class Asked(BaseModel):
    """Milliseconds over the same questions in the same order; 0 where an answer has no such stage."""

    passages: int
    questions: int
    answered: int = 0
    floor: list[float] = []
    exact_floor: list[float] = []
    search: list[float] = []
    whole: list[float] = []
    stages: dict[str, list[float]] = {}
    work: list[Work] = []

    def add_stages(self, timings_ms: Mapping[str, float]) -> None:
        """The stages of the answer that was timed last; their order is that of the flow."""
        before = len(self.whole) - 1
        for name in timings_ms:
            self.stages.setdefault(name, [0.0] * before)
        for name, samples in self.stages.items():
            samples.append(timings_ms.get(name, 0.0))

    def complete(self) -> None:
        """Add what of the whole was in no stage."""
        inside = [sum(column) for column in zip(*self.stages.values(), strict=True)]
        self.stages[REST] = [
            round(whole - within, 3) for whole, within in zip(self.whole, inside, strict=True)
        ]


class Measured(BaseModel):
    """The samples, by the name of what was asked of."""

    records: dict[str, Asked]


def measure(plan: Plan, tell: Tell) -> Measured:
    """Ask the bundled record the questions it is tuned on, then generated text; each question three ways in turn."""
    sizes = QUICK if plan.quick else WHOLE
    generated = plan.workspace / "documents"
    known = write_texts(generated, sizes.passages, plan.seed)[: sizes.generated_questions]
    records = {}
    with _opened(plan.workspace / "bundled", bundled_corpus()) as application:
        asked = questions()[: sizes.questions]
        records["bundled record"] = _ask(application, asked, sizes.rounds, tell)
    with _opened(plan.workspace / "generated", generated) as application:
        records["generated text"] = _ask(application, [each.question for each in known], sizes.rounds, tell)
    return Measured(records=records)


def _opened(data: Path, corpus: Path) -> AbstractContextManager[Application]:
    return opened(_settings(data, corpus))


def _settings(data: Path, corpus: Path) -> Settings:
    return Settings(data_dir=data, corpus_dir=corpus, model_cache_dir=data.parent / "models")


def _ask(application: Application, questions: Sequence[str], rounds: int, tell: Tell) -> Asked:
    """Time first, with the models as they are; count afterwards, since counting takes time."""
    for question in questions[:3]:
        application.pipeline.ask(Question(question))
    asked = Asked(passages=application.catalog.manifest().passages, questions=len(questions))
    exact = build(application.settings.model_copy(update={"embedding_precision": "float32"})).embedder
    exact.embed_query(questions[0])
    ways = (_time_floor, partial(_time_exact_floor, exact), _time_search, _time_whole)
    for turn, question in enumerate([*questions] * rounds):
        tell("asking", turn, len(questions) * rounds)
        for way in range(turn, turn + len(ways)):
            ways[way % len(ways)](application, Question(question), asked)
    asked.complete()
    asked.answered //= rounds
    asked.work = _count(application.settings, questions)
    return asked


def _time_floor(application: Application, question: Question, asked: Asked) -> None:
    began = perf_counter()
    application.embedder.embed_query(question.text)
    asked.floor.append(_milliseconds_since(began))


def _time_exact_floor(embedder: Embedder, _: Application, question: Question, asked: Asked) -> None:
    began = perf_counter()
    embedder.embed_query(question.text)
    asked.exact_floor.append(_milliseconds_since(began))


def _time_search(application: Application, question: Question, asked: Asked) -> None:
    began = perf_counter()
    application.pipeline.search(question.text, question.top_k)
    asked.search.append(_milliseconds_since(began))


def _time_whole(application: Application, question: Question, asked: Asked) -> None:
    began = perf_counter()
    answer = application.pipeline.ask(question)
    asked.whole.append(_milliseconds_since(began))
    asked.add_stages({name: ms for name, ms in answer.timings_ms.items() if name != TOTAL})
    asked.answered += answer.status == "answered"


def _milliseconds_since(began: float) -> float:
    return round((perf_counter() - began) * 1_000, 3)


def _count(settings: Settings, questions: Sequence[str]) -> list[Work]:
    application = _Counting(settings)
    try:
        return [application.count(question) for question in questions]
    finally:
        application.close()


class _Counting(Application):
    """The same application with models that count what they are given."""

    def count(self, question: str) -> Work:
        """What is computed for one answer."""
        self._work = Work()
        self.pipeline.ask(Question(question))
        return self._work

    @property
    def embedder(self) -> Embedder:
        return cast(Embedder, _CountingEmbedder(super().embedder, lambda: self._work))

    @property
    def reader(self) -> Reader | None:
        reader = super().reader
        counted = _CountingReader(reader, super().embedder, lambda: self._work)
        return cast(Reader, counted) if reader else None


class _CountingEmbedder:
    """Everything as the embedder does it; what it is asked to embed is counted."""

    def __init__(self, embedder: Embedder, work: Callable[[], Work]) -> None:
        self._embedder = embedder
        self._work = work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed_query(self, text: str) -> Vector:
        """Counted as one text."""
        self._note([text])
        return self._embedder.embed_query(text)

    def embed_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vector:
        """Counted as so many texts."""
        self._note(texts)
        return self._embedder.embed_passages(texts, progress)

    def _note(self, texts: Sequence[str]) -> None:
        work = self._work()
        work.embedding_calls += 1
        work.embedded += len(texts)
        work.embedded_tokens += sum(self._embedder.count_tokens(texts))


class _CountingReader:
    """Everything as the reader does it; what it is asked to read is counted, in tokens of the embedder."""

    def __init__(self, reader: Reader | None, embedder: Embedder, work: Callable[[], Work]) -> None:
        self._reader = reader
        self._embedder = embedder
        self._work = work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def read(self, question: str, passages: Sequence[Passage]) -> list[SpanLogits]:
        """Counted as so many pairs of question and passage."""
        assert self._reader
        work = self._work()
        work.reading_calls += 1
        work.read += len(passages)
        texts = [f"{question} {passage.text}" for passage in passages]
        work.read_tokens += sum(self._embedder.count_tokens(texts))
        return self._reader.read(question, passages)


def section(measured: Measured) -> Section:
    """A table of times and one of what was computed, for each record, and the stages as bars."""
    tables = []
    for name, asked in measured.records.items():
        tables += [_times(name, asked), _work(name, asked)]
    return Section(
        title="Where the time of a question goes",
        text=(
            "The floor is embedding the question alone, in int8 as the program does; then, to compare, the same in "
            "float32, as the model is published; the search, which gives a list of passages; and the whole answer, "
            "read and cited; in turns and one at a time. Shares are of the whole answer, over all questions."
        ),
        tables=tables,
        plots={"stages": partial(_plot, measured)},
    )


def _times(name: str, asked: Asked) -> Table:
    rows = []
    timed = {
        "floor": asked.floor,
        "the same in float32": asked.exact_floor,
        "search": asked.search,
        "whole answer": asked.whole,
    }
    for what, samples in timed.items():
        ratio = "1" if what == "floor" else times(ratio_of_medians(samples, asked.floor))
        rows.append((what, *_spread(samples), "", ratio))
    for stage, samples in asked.stages.items():
        rows.append((f"of it: {stage}", *_spread(samples), f"{sum(samples) / sum(asked.whole):.1%}", ""))
    return Table(
        (name, "median ms", "95 %", "99 %", "share", "to the floor"),
        rows,
        f"{asked.passages:,} passages; {asked.questions:,} questions, {asked.answered:,} of them answered; each asked "
        f"{len(asked.whole) // asked.questions} times.",
    )


def _work(name: str, asked: Asked) -> Table:
    columns = {
        "calls of the embedder": [each.embedding_calls for each in asked.work],
        "texts embedded": [each.embedded for each in asked.work],
        "their tokens": [each.embedded_tokens for each in asked.work],
        "calls of the reader": [each.reading_calls for each in asked.work],
        "passages read": [each.read for each in asked.work],
        "tokens of those pairs": [each.read_tokens for each in asked.work],
    }
    rows = [
        (what, f"{mean(numbers):.1f}", *(f"{number:,.0f}" for number in spread(numbers)))
        for what, numbers in columns.items()
    ]
    return Table(
        (f"computed for a question, {name}", "mean", "median", "95 %", "99 %"),
        rows,
        "Counted where the models are called, in tokens of the embedding model and before any are cut off.",
    )


def _spread(samples: Sequence[float]) -> tuple[str, str, str]:
    middle, most, nearly_all = spread(samples)
    return f"{middle:.2f}", f"{most:.2f}", f"{nearly_all:.2f}"


def _plot(measured: Measured, axes: Axes) -> None:
    labels: list[str] = []
    named = list(dict.fromkeys(stage for asked in measured.records.values() for stage in asked.stages))
    for name, asked in measured.records.items():
        for what, samples in (("floor", asked.floor), ("search", asked.search)):
            axes.barh(len(labels), mean(samples), color="tab:gray")
            labels.append(f"{name}: {what}")
        left = 0.0
        for stage, samples in asked.stages.items():
            axes.barh(len(labels), mean(samples), left=left, color=f"C{named.index(stage)}")
            left += mean(samples)
        labels.append(f"{name}: answer")
    for at, stage in enumerate(named):
        axes.barh(0, 0, color=f"C{at}", label=stage)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.legend(fontsize="small", loc="upper right")
    axes.set_xlabel("mean ms a question")
