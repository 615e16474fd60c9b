"""Readers other than the bundled one: what a small BERT with other heads makes of a passage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from rag.adapters.reader import MAX_TOKENS, OnnxReader
from rag.signals import best_span
from rag.wiring import BUNDLED_READER
from tests.adapters.test_bert import CONFIG, random_weights, write_model
from tests.fakes import passage_of

PASSAGE = passage_of("The lamp of Elsin shines at night.", "Visitors may climb.")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "lamp", "of", "elsin", "shines", "at", "night", ".", "?"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small BERT with both heads and a tokenizer of a few words."""
    folder = write_model(tmp_path / "model", random_weights(), max_position_embeddings=20)
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def without(folder: Path, *heads: str, **added: np.ndarray) -> Path:
    weights = load_file(folder / "model.safetensors")
    kept = {name: values for name, values in weights.items() if not name.startswith(heads)}
    save_file(kept | added, folder / "model.safetensors")
    return folder


def test_a_long_passage_is_cut_and_its_question_stays_whole(models_dir: Path) -> None:
    reader = OnnxReader(BUNDLED_READER, models_dir)
    long = passage_of(" ".join(f"word{number}" for number in range(400)))
    whole = Tokenizer.from_file(str(BUNDLED_READER / "tokenizer.json"))
    whole.no_padding()
    whole.enable_truncation(MAX_TOKENS, strategy="only_second")
    question, heading = "Who may climb the lamp of Elsin?", f"{long.headings}. "
    expected = whole.encode(question, heading + long.text)
    (read,) = reader.read(question, [long])
    assert len(expected) == MAX_TOKENS
    kept = [
        offsets
        for sequence, offsets in zip(expected.sequence_ids, expected.offsets, strict=True)
        if sequence == 1 and offsets[0] >= len(heading)
    ]
    assert [tuple(offsets) for offsets in (read.offsets + len(heading)).tolist()] == kept


def test_a_reader_of_spans_finds_a_passage_as_answerable_as_its_best_span(folder: Path) -> None:
    (read,) = OnnxReader(without(folder, "answerable"), folder).read("?", [PASSAGE])
    assert len(read.starts) == len(read.ends) == len(read.offsets) > 0
    assert read.answerable == pytest.approx(float(read.starts.max() + read.ends.max()) - read.none, abs=1e-4)
    assert best_span(PASSAGE, PASSAGE.sentences[0], read).answer is not None


def test_a_cross_encoder_grades_and_points_at_nothing(folder: Path) -> None:
    hidden = CONFIG["hidden_size"]
    pooler = {
        "pooler.dense.weight": np.eye(hidden, dtype="f4"),
        "pooler.dense.bias": np.zeros(hidden, "f4"),
        "classifier.weight": np.ones((1, hidden), "f4"),
        "classifier.bias": np.zeros(1, "f4"),
    }
    (read,) = OnnxReader(without(folder, "answerable", "qa_outputs", **pooler), folder).read("?", [PASSAGE])
    assert np.isfinite(read.answerable)
    assert len(read.starts) == 0
    span = best_span(PASSAGE, PASSAGE.sentences[0], read)
    assert (span.margin, span.answer) == (-1.0, None)
