"""Are errors caught in what an LLM writes, and is what is right let through?

A case is a question, the passages shown, an answer that they support, and errors to plant in it: a stretch of the
answer and what to put in its place. Markers stand as `{1}`, the first passage; how they are
written differs from case to case.
"""

from __future__ import annotations

import copy
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from eval.cases import InvalidCases, Split, load_folder
from eval.conversation import ShareFigure
from eval.statistics import Estimate, estimate_share
from rag.answer.support import Claim, Support
from rag.answer.verify import Labelled, Verified, Verify
from rag.calibration import Calibration
from rag.domain import Document, Hit, Passage, Sentence
from rag.formats.read import read_file
from rag.ingest import CountTokens, passages_of
from rag.ports import Embedder, Reader
from rag.sentences import split_sentences
from rag.settings import bundled_corpus

Kind = Literal[
    "figure", "date", "unit", "names", "roles", "attribute", "addition", "negation", "citation", "invented_marker",
    "merged", "overclaim",
]  # fmt: skip
Markers = Literal[
    "label", "number", "after", "before", "lenticular", "round", "footnote", "prose", "daggered", "superscript", "none"
]  # fmt: skip
PASSAGE_TOKENS = 200
LABELS = "k7f2 p3d9 a1b2 x8m4 t5q6 w2h3 c9j7 r4v1 n6s8 g3z5 d8y2 f1u9".split()
INVENTED = "q0w9"

Progress = Callable[[str, int, int], None]


class Planted(BaseModel):
    """An error: `old` stands once in the answer and is replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    old: str = Field(min_length=1)
    new: str = Field(min_length=1)


class VerificationCase(BaseModel):
    """An answer over the passages of a record of ours, or of documents of the bundled record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    split: Split
    cluster: str = Field(min_length=1)
    record: str | None = None
    documents: tuple[str, ...] = ()
    question: str = Field(min_length=1)
    text: str = Field(min_length=1)
    markers: Markers
    planted: tuple[Planted, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> VerificationCase:
        if bool(self.record) == bool(self.documents):
            raise ValueError("exactly one of record and documents says what was shown")
        for planted in self.planted:
            if self.text.count(planted.old) != 1:
                raise ValueError(
                    f"{planted.old!r} stands {self.text.count(planted.old)} times in the text, not once"
                )
        return self


@dataclass(frozen=True, slots=True)
class Trial:
    """An answer as it is handed in: the case's own where `kind` is None, else with one error planted."""

    case: VerificationCase
    kind: Kind | None
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of an answer with an error: whether it was `caught`; of a right one how many `sentences` were `flagged`."""

    trial: Trial
    caught: bool
    flagged: tuple[str, ...]
    sentences: int
    milliseconds: float


def bundled_verification() -> Path:
    """The cases that come with the program."""
    return Path(str(files("eval"))) / "cases" / "verification"


def load_verification(folder: Path) -> tuple[VerificationCase, ...]:
    """Every case in the `*.jsonl` files of a folder.

    Raises:
        InvalidCases: names file, line and what is wrong with it.
    """
    return load_folder(folder, VerificationCase)


class Shelf:
    """The passages of cases, in the order in which their markers count them."""

    def __init__(self, folder: Path, count_tokens: CountTokens, corpus: Path | None = None) -> None:
        self._records: Mapping[str, Sequence[str]] = json.loads(
            (folder / "records.json").read_text(encoding="utf-8")
        )
        self._count_tokens = count_tokens
        self._corpus = corpus or bundled_corpus()

    def sources(self, case: VerificationCase) -> tuple[Labelled, ...]:
        """What was shown, with labels.

        Raises:
            InvalidCases: a record or document is not there.
        """
        passages = self._of_record(case.record) if case.record else self._of_documents(case.documents)
        return tuple(
            Labelled(label, Hit(passage, 1.0 / rank, rank))
            for rank, (label, passage) in enumerate(zip(LABELS, passages, strict=False), 1)
        )

    def _of_record(self, title: str) -> list[Passage]:
        if title not in self._records:
            raise InvalidCases(f"There is no record {title!r} in records.json.")
        return [_passage(title, text, number) for number, text in enumerate(self._records[title])]

    def _of_documents(self, ids: Sequence[str]) -> list[Passage]:
        found: list[Passage] = []
        for document_id in ids:
            path = next(self._corpus.rglob(f"{document_id}.md"), None)
            if path is None:
                raise InvalidCases(f"There is no document {document_id} in {self._corpus}.")
            for document in read_file(path, path.name):
                if isinstance(document, Document):
                    found += passages_of(document, self._count_tokens, PASSAGE_TOKENS)
        return found


def _passage(title: str, text: str, number: int) -> Passage:
    sentences = tuple(Sentence(start, end, text[start:end]) for start, end in split_sentences(text))
    return Passage(f"{title} {number}", title, title, "", "record", None, None, text, 0, len(text), sentences)


def trials(case: VerificationCase, labels: Sequence[str]) -> Iterator[Trial]:
    """The answer as it is, then with each error by itself."""
    yield Trial(case, None, written(case.text, case.markers, labels))
    for planted in case.planted:
        text = case.text.replace(planted.old, planted.new)
        yield Trial(case, planted.kind, written(text, case.markers, labels))


# What stands before all markers of a place, each of them, between two, and behind all.
_FORMS: Mapping[str, tuple[str, str, str, str]] = {
    "number": (" [", "{number}", ", ", "]"),
    "lenticular": ("", "【{label}】", "", ""),
    "round": (" (", "{label}", ", ", ")"),
    "footnote": ("", "[^{number}]", "", ""),
    "prose": (" (source ", "{number}", " and ", ")"),
    "daggered": ("", "【{number}†source】", "", ""),
    "superscript": ("", "<sup>{number}</sup>", "", ""),
}
_MARKERS = re.compile(r" ?((?:\{\d+\})+)")
_SENTENCE = re.compile(r"(?:(?<=\. )|(?<=。)|^)([^\n{}]+?)( (?:\{\d+\})+)", re.MULTILINE)
_BEFORE_STOP = re.compile(r"( ?(?:\{\d+\})+)([.。])")


def written(text: str, markers: Markers, labels: Sequence[str]) -> str:
    """The text with its markers as some model would write them; numbers beyond the labels are of nobody's."""
    if markers in ("after", "superscript"):
        text = _BEFORE_STOP.sub(r"\2\1", text)
    if markers == "before":
        text = _SENTENCE.sub(r"\2 \1", text).replace("  ", " ")

    def write(match: re.Match[str]) -> str:
        numbers = re.findall(r"\d+", match[1])
        own = [labels[int(number) - 1] if int(number) <= len(labels) else INVENTED for number in numbers]
        # Round brackets around what nobody gave could hold anything.
        form = "label" if markers == "round" and INVENTED in own else markers
        begin, mark, between, end = _FORMS.get(form, (" ", "[{label}]", "", ""))
        marks = (mark.format(label=label, number=number) for label, number in zip(own, numbers, strict=True))
        return begin + between.join(marks) + end

    if markers == "none":
        return _MARKERS.sub("", text).strip()
    return _MARKERS.sub(write, text).strip()


def check(trial: Trial, sources: Sequence[Labelled], verify: Verify) -> Outcome:
    """Hand one answer in, and compare what was made of it with what is wrong in it."""
    started = time.perf_counter()
    verified = verify(trial.case.question, trial.text, sources)
    milliseconds = (time.perf_counter() - started) * 1000
    caught = trial.kind is not None and _caught(trial, sources, verified, verify)
    number = sum(1 for _ in verify.sentences(trial.case.question, trial.text, sources))
    return Outcome(trial, caught, verified.unsupported, number, milliseconds)


def wrong_sentences(trial: Trial, sources: Sequence[Labelled], verify: Verify) -> tuple[str, ...]:
    """The sentences that the planted error has changed."""
    right = written(trial.case.text, trial.case.markers, [source.label for source in sources])
    own = {its.text for its in verify.sentences(trial.case.question, right, sources)}
    found = verify.sentences(trial.case.question, trial.text, sources)
    return tuple(its.text for its in found if its.text not in own)


def _caught(trial: Trial, sources: Sequence[Labelled], verified: Verified, verify: Verify) -> bool:
    """Of a sentence that is wrong: none of it is let through. Of a wrong marker: its passage is not cited."""
    if trial.kind == "invented_marker":
        return verified.invented > 0
    if trial.kind == "citation":
        return not any(
            evidence.hit.passage.id == passage_id
            for text, passage_id in wrongly_cited(trial, sources, verify)
            for statement in verified.statements
            if statement.text == text
            for evidence in statement.evidence
        )
    wrong = wrong_sentences(trial, sources, verify)
    return bool(wrong) and not any(statement.text in wrong for statement in verified.statements)


def wrongly_cited(trial: Trial, sources: Sequence[Labelled], verify: Verify) -> list[tuple[str, str]]:
    """The sentences that cite a passage which the right answer does not cite for them, with its id."""
    right = written(trial.case.text, trial.case.markers, [source.label for source in sources])
    own = {
        (its.text, hit.passage.id)
        for its in verify.sentences(trial.case.question, right, sources)
        for hit in its.cited
    }
    found = {
        (its.text, hit.passage.id)
        for its in verify.sentences(trial.case.question, trial.text, sources)
        for hit in its.cited
    }
    return sorted(found - own)


class Remembering(Verify):
    """The same, but a sentence that stands in several answers of a case is held against passages once."""

    def __init__(
        self, embedder: Embedder, reader: Reader | None, decision: Calibration | None = None
    ) -> None:
        super().__init__(embedder, reader, decision)
        self._known: dict[tuple[str, str, tuple[str, ...]], Support] = {}

    def support(self, claim: Claim, hits: Sequence[Hit], shown: Sequence[Hit]) -> Support:
        """As `Verify.support`."""
        key = (claim.text, claim.about, tuple(hit.passage.id for hit in hits))
        if key not in self._known:
            self._known[key] = super().support(claim, hits, shown)
        return self._known[key]

    def decided_by(self, decision: Calibration) -> Remembering:
        """The same with another decision; what is known already is not read again."""
        other = copy.copy(self)
        other.decision = decision
        return other


def outcomes(
    cases: Sequence[VerificationCase], shelf: Shelf, verify: Verify, progress: Progress | None = None
) -> list[Outcome]:
    """Every answer of every case, checked."""
    found: list[Outcome] = []
    for number, case in enumerate(cases, 1):
        sources = shelf.sources(case)
        found += [
            check(trial, sources, verify) for trial in trials(case, [source.label for source in sources])
        ]
        if progress:
            progress("checking answers", number, len(cases))
    return found


def report(found: Sequence[Outcome]) -> list[ShareFigure]:
    """The shares of errors caught, all and by kind, and of right sentences flagged; by split, with Wilson intervals."""
    kinds: dict[str, list[Outcome]] = {"errors caught": [its for its in found if its.trial.kind is not None]}
    for kind in get_args(Kind):
        kinds[f"  {kind}"] = [its for its in found if its.trial.kind == kind]
    figures = [
        ShareFigure(
            name,
            _by_split({split: (sum(its.caught for its in own), len(own)) for split, own in _split(its_kind)}),
        )
        for name, its_kind in kinds.items()
    ]
    right = [its for its in found if its.trial.kind is None]
    flagged = {
        split: (sum(len(its.flagged) for its in own), sum(its.sentences for its in own))
        for split, own in _split(right)
    }
    return [*figures, ShareFigure("right sentences flagged", _by_split(flagged))]


def _split(found: Sequence[Outcome]) -> list[tuple[str, list[Outcome]]]:
    splits = dict.fromkeys(its.trial.case.split for its in found)
    return [(split, [its for its in found if its.trial.case.split == split]) for split in splits]


def _by_split(counted: Mapping[str, tuple[int, int]]) -> dict[str, Estimate]:
    return {
        split: estimate_share(successes, number) for split, (successes, number) in counted.items() if number
    }


def median_milliseconds(found: Sequence[Outcome]) -> float:
    """Of one right answer: those with an error have sentences in common with it, which are checked once."""
    return statistics.median(its.milliseconds for its in found if its.trial.kind is None)
