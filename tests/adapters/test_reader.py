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


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def logits(reader: OnnxReader) -> list[np.ndarray]:
    (read,) = reader.read("Who may climb the lamp of Elsin?", [PASSAGE])
    return [read.starts, read.ends, np.array([read.none, read.answerable])]


def test_the_bundled_reader_is_widened_once_and_says_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = logits(OnnxReader(BUNDLED_READER, cache))
    (graph,) = cache.glob("reader-wide-*.onnx")
    made = graph.stat().st_mtime_ns
    assert len(list(cache.iterdir())) == 3  # the graph, its data and their sizes; nothing else is left
    assert graph.with_suffix(".data").stat().st_size > 3 * (BUNDLED_READER / "reader.onnx").stat().st_size
    again = logits(OnnxReader(BUNDLED_READER, cache))
    assert graph.stat().st_mtime_ns == made
    monkeypatch.setattr("rag.adapters.reader.widened_graph", lambda graph, _: graph)
    as_it_is = logits(OnnxReader(BUNDLED_READER, cache))
    for one, other, third in zip(first, again, as_it_is, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)


def test_a_widened_graph_that_was_cut_off_is_made_again(cache: Path) -> None:
    expected = logits(OnnxReader(BUNDLED_READER, cache))
    (data,) = cache.glob("reader-wide-*.data")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    for one, other in zip(expected, logits(OnnxReader(BUNDLED_READER, cache)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_where_nothing_can_be_written_the_bundled_reader_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert logits(OnnxReader(BUNDLED_READER, tmp_path / "file" / "cache"))


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
