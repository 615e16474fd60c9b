"""Beside the peers: what the samples show, who is left out, and a quick run of ours alone and of a broken peer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from eval.benchmarks import peers
from eval.benchmarks.contenders import (
    FUSED,
    LLAMAINDEX,
    PEERS,
    PEERS_PYTHON,
    ContenderFailed,
    Running,
    entered,
    environment,
    size_mb,
)
from eval.benchmarks.peer.contender import paragraphs
from eval.benchmarks.peers_samples import Cold, Ingested, Measured, Setup, Warm
from eval.benchmarks.section import Plan
from rag.adapters.model_source import locate_model
from rag.settings import DEFAULT_MODEL, Settings


def tell(_stage: str, _done: int, _total: int) -> None:
    pass


def measured(slower: float) -> Measured:
    """LlamaIndex and ours, the first so many times slower in everything."""
    ours, theirs = [10.0, 11.0, 12.0], [10.0 * slower, 11.0 * slower, 12.0 * slower]
    setup = Setup(versions={"chromadb": "1"}, agreement=1.0)
    files = Ingested(passages=30, seconds=2.0, peak_mb=100.0, disk_mb=1.0)
    names = (FUSED.name, LLAMAINDEX.name)
    return Measured(
        documents=4,
        characters=1_000,
        handed=20,
        questions=2,
        missing={"txtai": "ModuleNotFoundError: No module named 'txtai'"},
        setups=dict.fromkeys(names, setup),
        files=dict.fromkeys(names, files),
        handed_seconds={FUSED.name: ours, LLAMAINDEX.name: theirs},
        cold={
            FUSED.name: Cold(seconds=ours, memory_mb=[1.0]),
            LLAMAINDEX.name: Cold(seconds=theirs, memory_mb=[1.0]),
        },
        warm={
            FUSED.name: Warm(ms=ours, found=[6, 6], first=1, among=2),
            LLAMAINDEX.name: Warm(ms=theirs, found=[2, 2], first=2, among=2),
        },
        floor_ms=[5.0, 5.5, 6.0],
    )


@pytest.mark.parametrize(("slower", "met"), [(1.0, 0), (2.0, 1), (4.0, 2), (20.0, 3)])
def test_targets_are_met_by_as_much_as_the_peer_is_slower(slower: float, met: int) -> None:
    above_floor, *beside = peers.section(measured(slower)).targets
    assert above_floor.met
    assert above_floor.reached.startswith("2.00 ×")
    assert sum(target.met for target in beside) == met


def test_a_search_too_far_above_the_floor_misses_its_target() -> None:
    slow = measured(20.0)
    slow.floor_ms = [3.0, 3.0, 3.0]
    assert not peers.section(slow).targets[0].met


def test_what_was_not_measured_is_named_with_the_reason_and_has_no_target() -> None:
    without = measured(20.0)
    without.forget(LLAMAINDEX.name)
    without.missing[LLAMAINDEX.name] = "It broke."
    section = peers.section(without)
    assert "- LlamaIndex starter: It broke." in section.text
    assert "- txtai: ModuleNotFoundError: No module named 'txtai'" in section.text
    assert len(section.targets) == 1
    assert "LlamaIndex" not in str([table.rows for table in section.tables])


def test_tables_show_ratios_to_ours_and_whether_the_right_document_was_found() -> None:
    _, ingest, cold, warm = peers.section(measured(4.0)).tables
    assert [row[-1] for row in ingest.rows] == ["1", "4.00 × [4.00, 4.00]"]
    assert [row[-1] for row in cold.rows] == ["1", "4.00 × [4.00, 4.00]"]
    assert [tuple(row[4:8]) for row in warm.rows[1:]] == [
        ("1", "6", "50%", "100%"),
        ("4.00 × [4.00, 4.00]", "2", "100%", "100%"),
    ]


def test_paragraphs_are_what_blank_lines_part() -> None:
    assert paragraphs("# One\n\nTwo\ngoes on\n \n\n\nThree\n") == ["# One", "Two\ngoes on", "Three"]


def test_no_setting_from_outside_reaches_a_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_THREADS", "1")
    given = environment()
    assert "RAG_THREADS" not in given
    assert given["HF_HUB_OFFLINE"] == "1"


def test_a_contender_that_cannot_says_why(tmp_path: Path) -> None:
    model = locate_model(DEFAULT_MODEL, Settings().models_dir, False)
    with Running(FUSED, model, tmp_path / "index") as process:
        with pytest.raises(ContenderFailed, match="IndexEmpty"):
            process.do("search", question="Who?")
        assert len(process.do("embed", text="Who?").value) == 384
        assert process.memory_mb() > 50


def test_a_contender_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PEERS_PYTHON, sys.executable)
    with (
        Running(PEERS[-1], tmp_path, tmp_path / "index") as process,
        pytest.raises(ContenderFailed, match="No module named 'haystack'"),
    ):
        process.do("search", question="Who?")


def test_without_an_environment_of_the_peers_only_ours_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PEERS_PYTHON, raising=False)
    taking_part, missing = entered()
    assert taking_part == []
    assert set(missing) == {peer.name for peer in PEERS}
    monkeypatch.setenv(PEERS_PYTHON, sys.executable)
    assert entered() == (list(PEERS), {})


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PEERS_PYTHON, "no-such-python")
    with pytest.raises(ContenderFailed, match="PEERS_PYTHON is no-such-python"):
        Running(PEERS[0], tmp_path, tmp_path / "index")


def test_a_quick_run_measures_ours_and_leaves_out_what_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This environment has none of what the peers need beside Chroma, which then lacks the graph.
    monkeypatch.setenv(PEERS_PYTHON, sys.executable)
    found = peers.measure(Plan(tmp_path, quick=True), tell)
    assert set(found.missing) == {peer.name for peer in PEERS}
    assert all("No module named" in reason for reason in found.missing.values())
    assert set(found.setups) == set(found.files) == set(found.handed_seconds) == {FUSED.name}
    assert set(found.cold) == set(found.warm) == {"dense", "fused", "reading"}
    sizes = peers.QUICK
    assert {len(warm.ms) for warm in found.warm.values()} == {sizes.questions}
    assert len(found.floor_ms) == sizes.questions
    assert {len(cold.seconds) for cold in found.cold.values()} == {sizes.starts}
    assert found.warm["fused"].among == found.questions == sizes.questions
    assert found.files["fused"].passages > 20
    assert found.files["fused"].disk_mb == pytest.approx(size_mb(tmp_path / "ours" / "index"), abs=0.5)
    again = Measured.model_validate_json(found.model_dump_json())
    assert peers.section(again).tables == peers.section(found).tables
