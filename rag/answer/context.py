"""Passages -> what a language model is shown: within a budget, best first and last, delimited as data."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.answer.instructions import addresses_model
from rag.answer.verify import Labelled
from rag.domain import Hit, Passage, Reading

CountTokens = Callable[[Sequence[str]], list[int]]

# Without letters and digits that look alike; never a word.
_LETTERS, _DIGITS = "bcdfghjkmnpqrstvwxz", "23456789"
# Beside the text of a passage its tags, title and date are shown.
TOKENS_AROUND = 40
LEFT_OUT = "[…]"


def pack(hits: Sequence[Hit], reading: Reading, tokens: int, count_tokens: CountTokens) -> list[Labelled]:
    """The passages that fit into so many tokens, each under a random id that no text can foresee.

    Those with the best evidence come first; of these the first opens and the second closes what is shown, since models
    make least of the middle (Liu et al. 2023, "Lost in the middle"). Sentences that speak to a model are left out.
    """
    best: dict[str, float] = {}
    for found in reading.evidence:
        best[found.hit.passage.id] = max(found.score, best.get(found.hit.passage.id, 0.0))
    by_evidence = sorted(hits, key=lambda hit: (-best.get(hit.passage.id, 0.0), hit.rank))
    chosen: list[tuple[Hit, bool]] = []
    left = tokens
    lengths = count_tokens([hit.passage.text for hit in by_evidence]) if by_evidence else []
    for hit, length in zip(by_evidence, lengths, strict=True):
        left -= length + TOKENS_AROUND
        if left < 0 and chosen:
            break
        passage = _for_models(hit.passage)
        chosen.append(
            (replace(hit, passage=passage), passage is not hit.passage or _orders(hit.passage.headings))
        )
    ordered = chosen[::2] + chosen[1::2][::-1]
    labels = _labels([hit for hit, _ in ordered])
    return [Labelled(label, hit, guarded) for label, (hit, guarded) in zip(labels, ordered, strict=True)]


def shown(sources: Sequence[Labelled]) -> str:
    """The passages between tags that only this prompt has, so that no text can close its own."""
    tag = f"passage-{secrets.token_hex(4)}"
    return "\n\n".join(
        f'<{tag} id="{source.label}" title="{_attribute(source.hit.passage.headings)}"'
        f' date="{_attribute(source.hit.passage.published or "unknown")}">\n{_text(source.hit.passage)}\n</{tag}>'
        for source in sources
    )


def visible(text: str) -> str:
    """The text without characters that a reader does not see and a model does: formats, tags, private use."""
    return "".join(
        character for character in text if unicodedata.category(character) not in ("Cf", "Co", "Cs", "Cn")
    )


def _for_models(passage: Passage) -> Passage:
    """The passage without the sentences that speak to a model; its text and offsets stay what they are."""
    kept = tuple(sentence for sentence in passage.sentences if not _orders(sentence.text))
    return passage if len(kept) == len(passage.sentences) else replace(passage, sentences=kept)


def _orders(text: str) -> bool:
    return addresses_model(text) or addresses_model(visible(text))


def _text(passage: Passage) -> str:
    """The sentences as they stand in the passage, with a mark where some are left out."""
    pieces: list[str] = []
    end = passage.start
    for sentence in passage.sentences:
        between = passage.text[end - passage.start : sentence.start - passage.start]
        pieces.append(between if not between.strip() else f" {LEFT_OUT} ")
        pieces.append(sentence.text)
        end = sentence.end
    if passage.text[end - passage.start :].strip():
        pieces.append(f" {LEFT_OUT}")
    return visible("".join(pieces)).strip() or LEFT_OUT


def _attribute(text: str) -> str:
    """A title as it may stand between quotes; one that speaks to a model is none."""
    text = " ".join(visible(text).split())
    return "untitled" if _orders(text) else re.sub(r'["<>]', "'", text)


def _labels(hits: Sequence[Hit]) -> list[str]:
    said = " ".join(hit.passage.headings + hit.passage.text for hit in hits).lower()
    labels: list[str] = []
    while len(labels) < len(hits):
        label = "".join(secrets.choice(kind) for kind in (_LETTERS, _DIGITS, _LETTERS, _DIGITS))
        if label not in labels and label not in said:
            labels.append(label)
    return labels
