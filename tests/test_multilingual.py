"""A multilingual model of the BERT family in place of the default: a tiny one with random weights, made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from rag.adapters.embedding import OnnxEmbedder
from rag.domain import Question
from rag.errors import IndexMismatch, ModelInvalid
from rag.foreign import PROBES, UNSUPPORTED_LANGUAGE, reads_many_languages
from rag.settings import Settings
from rag.wiring import build
from tests.adapters.test_bert import CONFIG, random_weights

Make = Callable[..., Settings]

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,?-&äöüßéèñçąęłğışđ"
# A vocabulary that holds words of many languages whole, as that of a multilingual model does.
WORDS = [*PROBES, "quay", "elsin", "hafen", "wer", "baute", "den", "kai", "港", "は", "какой"]
GERMAN = "Wer baute den Kai in Elsin?"


def word_pieces() -> Tokenizer:
    pieces = [*SPECIAL, *WORDS, *CHARACTERS, *(f"##{character}" for character in CHARACTERS)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def sentence_pieces() -> Tokenizer:
    """A unigram vocabulary, as XLM-RoBERTa's tokenizer has it."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *(f"▁{word}" for word in WORDS), *CHARACTERS]
    vocabulary = [(piece, -float(number)) for number, piece in enumerate(dict.fromkeys(pieces))]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


@pytest.fixture
def model_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a sentence-transformers folder."""

    def write(tokenizer: Tokenizer, **config: object) -> Path:
        folder = tmp_path / "multilingual"
        (folder / "1_Pooling").mkdir(parents=True)
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "config.json").write_text(json.dumps(CONFIG | config))
        modules = ["Transformer", "Pooling", "Normalize"]
        listed = [{"type": f"m.{name}", "path": "1_Pooling" if name == "Pooling" else ""} for name in modules]
        (folder / "modules.json").write_text(json.dumps(listed))
        (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
        save_file(random_weights(), folder / "model.safetensors")
        return folder

    return write


@pytest.mark.parametrize(
    ("tokenizer", "config"),
    [(word_pieces(), {"pad_token_id": 0}), (sentence_pieces(), {"model_type": "xlm-roberta"})],
    ids=["bert", "xlm-roberta"],
)
def test_a_multilingual_model_is_read(
    model_folder: Callable[..., Path], tmp_path: Path, tokenizer: Tokenizer, config: dict[str, object]
) -> None:
    embedder = OnnxEmbedder(model_folder(tokenizer, **config), tmp_path / "cache", threads=1)
    assert reads_many_languages(embedder)
    assert embedder.max_tokens <= CONFIG["max_position_embeddings"]
    texts = [GERMAN, "quay", "какой", "港は？", "word " * 100]
    vectors = embedder.embed_passages(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], embedder.embed_query(GERMAN), atol=1e-5)


def test_a_model_without_its_tokenizer_in_json_is_refused_by_name(
    model_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = model_folder(word_pieces())
    (folder / "tokenizer.json").rename(folder / "sentencepiece.bpe.model")
    with pytest.raises(ModelInvalid, match=r"tokenizer\.json cannot be read.*save_pretrained"):
        OnnxEmbedder(folder, tmp_path / "cache")


def test_another_model_needs_an_ingest_which_rebuilds_the_index(
    make_settings: Make, model_folder: Callable[..., Path], small_corpus: Path, tmp_path: Path
) -> None:
    english = build(make_settings(tmp_path / "data", corpus_dir=small_corpus))
    english.synchronise()
    assert english.pipeline.ask(Question(GERMAN)).reason == UNSUPPORTED_LANGUAGE
    english.close()

    folder = model_folder(word_pieces(), pad_token_id=0, max_position_embeddings=20)
    application = build(
        make_settings(tmp_path / "data", corpus_dir=small_corpus, embedding_model=str(folder))
    )
    with pytest.raises(IndexMismatch, match="mission-record ingest"):
        application.pipeline.ask(Question(GERMAN))
    report = application.synchronise()
    assert report.embedded == application.check().passages

    answer = application.pipeline.ask(Question(GERMAN))
    assert (answer.status, answer.reason) == ("not_found", UNSUPPORTED_LANGUAGE)
    assert "RAG_READER_MODEL" in answer.answer_plain
    assert answer.retrieved
    assert (
        application.pipeline.ask(Question("Who led the building of the quay?")).reason != UNSUPPORTED_LANGUAGE
    )
    application.close()


@pytest.mark.parametrize(
    ("changes", "refused"),
    [({"languages": "any"}, False), ({"languages": "english"}, True), ({"languages": "auto"}, True)],
)
def test_which_languages_are_accepted_can_be_set(
    make_settings: Make, small_corpus: Path, tmp_path: Path, changes: dict[str, str], refused: bool
) -> None:
    application = build(make_settings(tmp_path / "data", corpus_dir=small_corpus, **changes))
    application.synchronise()
    assert (application.pipeline.ask(Question(GERMAN)).reason == UNSUPPORTED_LANGUAGE) is refused
    application.close()
