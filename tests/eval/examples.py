"""Documents, cases and answers small enough to be judged by hand."""

from __future__ import annotations

from eval.cases import Case, CaseType, Gold, split_of
from eval.matching import parse_form
from eval.outcomes import CitedQuote, Outcome
from rag.domain import Document

HARBOUR = (
    "The Port of Elsin opened a new container quay on 4 May 2023. The quay cost 42 million euros. "
    "Ada Moreau led the building of the quay."
)

COST = "The quay cost 42 million euros."
# Ids of which the hash says so.
IN_TEST = next(f"case-{n}" for n in range(99) if split_of(f"case-{n}") == "test")
IN_DEVELOPMENT = next(f"case-{n}" for n in range(99) if split_of(f"case-{n}") == "development")


def make_document(document_id: str = "harbour", text: str = HARBOUR) -> Document:
    """A document of one paragraph."""
    return Document(document_id, "Harbour works", "project", text, (), (), f"{document_id}.txt", "0" * 64)


def make_case(case_id: str = "quay", *nuggets: object, **values: object) -> Case:
    """An answerable case with one nugget a value, or an unanswerable one if there are none."""
    forms = tuple((parse_form(nugget),) for nugget in nuggets)
    values = {"type": CaseType.FACT, "turns": ("What did the quay cost?",)} | values
    return Case(case_id, expect="answered" if forms else "not_found", nuggets=forms, **values)  # type: ignore[arg-type]


def make_gold(quote: str, document_id: str = "harbour") -> Gold:
    """A gold quote of the document above."""
    return Gold(document_id, quote, HARBOUR.index(quote))


def make_quote(quote: str, marker: int = 1, document_id: str = "harbour", intact: bool = True) -> CitedQuote:
    """A citation of the document above."""
    start = HARBOUR.find(quote)
    return CitedQuote(
        marker=marker,
        document_id=document_id,
        title="Harbour works",
        quote=quote,
        start=start,
        end=start + len(quote),
        intact=intact,
    )


def make_answer(text: str, *quotes: CitedQuote, case_id: str = "quay", confidence: float = 0.8) -> Outcome:
    """An answer that was given; its plain text is without markers."""
    plain = text
    for quote in quotes:
        plain = plain.replace(f" [{quote.marker}]", "")
    return Outcome(
        case_id=case_id,
        status="answered",
        answer=text,
        answer_plain=plain,
        citations=quotes,
        confidence=confidence,
    )


def make_refusal(case_id: str = "quay", confidence: float = 0.2) -> Outcome:
    """A refusal."""
    return Outcome(
        case_id=case_id, status="not_found", answer="The record does not say.", confidence=confidence
    )
