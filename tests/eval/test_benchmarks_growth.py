"""Growth with the record: a real quick run, what it shows, and vectors that imitate real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.benchmarks import growth
from eval.benchmarks.growth import Measured, Size
from eval.benchmarks.growth_asked import STAGES, Asked, recalls
from eval.benchmarks.growth_index import Built, Likeness, Place, imitate
from eval.benchmarks.imitation import Imitation, neighbour_similarities
from eval.benchmarks.section import Plan


def made_up(passages: int, milliseconds: float, likeness: Likeness | None = None) -> Size:
    return Size(
        built=Built(
            documents=passages // 10,
            passages=passages,
            seconds=passages / 100,
            loaded_mib=200,
            peak_mib=300,
            catalog_mib=passages / 500,
            vectors_mib=passages / 250,
        ),
        asked=Asked(
            times={stage: [milliseconds] * 4 for stage in STAGES},
            found=[True, True, True, False],
            right=[True, True, False, False],
            refused=[False, False, False, True],
            refused_unanswerable=[True],
            recalls={10: [1.0, 0.9], 50: [1.0, 0.8]},
            resident_mib=250,
            first_question_ms=80,
        ),
        likeness=likeness,
    )


def test_the_section_shows_exponents_and_whether_the_growth_is_within_the_target() -> None:
    imitated = Likeness(real=[[0.5] * 5] * 3, imitated=[[0.6] * 5] * 3, compared=7)
    section = growth.section(
        Measured(
            sizes={
                1_000: made_up(1_010, 10),
                10_000: made_up(10_100, 10),
                1_000_000: made_up(1_010_000, 40, imitated),
            }
        )
    )
    ingest, times, quality, likeness = section.tables
    assert ingest.columns == ("passages", "1,010", "10,100", "exponent"), "what is imitated was not ingested"
    assert {row[0]: row[-1] for row in ingest.rows}["time of the ingest (s)"] == "1.00"
    assert [row[1:4] for row in times.rows if row[0] == "whole answer (ms)"] == [("10.00", "10.00", "40.00")]
    assert ("recall@10 of the approximate search", "95.0%", "95.0%", "95.0%", "") in quality.rows
    assert ("1 (imitated)", *["0.600"] * 5) in likeness.rows
    assert [(target.reached, target.met) for target in section.targets] == [("4.00", False)] * 2
    assert set(section.plots) == {"growth-time", "growth-size"}


def test_growth_within_the_target_meets_it_and_what_was_not_measured_has_no_target() -> None:
    sizes = {10_000: made_up(10_100, 10), 1_000_000: made_up(1_010_000, 20)}
    assert all(target.met for target in growth.section(Measured(sizes=sizes)).targets)
    del sizes[1_000_000]
    assert not growth.section(Measured(sizes=sizes)).targets


def test_imitated_vectors_are_as_near_to_each_other_as_real_ones() -> None:
    random = np.random.default_rng(1)
    names = np.repeat(np.arange(200), 8)
    real = (
        np.array([1.0, *[0.0] * 63])
        + np.repeat(random.normal(0, 0.12, (200, 64)), 8, axis=0)
        + random.normal(0, 0.08, (len(names), 64))
    )
    real = (real / np.linalg.norm(real, axis=1, keepdims=True)).astype(np.float32)
    drawn = Imitation(real, [str(name) for name in names]).draw([8] * 200, random)
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(np.ones(len(drawn)), abs=1e-5)
    ranks = [2, 11, 51]
    assert np.median(neighbour_similarities(drawn, drawn, ranks), axis=1) == pytest.approx(
        np.median(neighbour_similarities(real, real, ranks), axis=1), abs=0.03
    )


def test_recall_is_the_share_of_the_exactly_nearest_that_was_found(tmp_path: Path) -> None:
    place = Place(tmp_path)
    vectors = np.eye(60, dtype=np.float32)
    place.keep("000000", [f"p{number}" for number in range(40)], vectors[:40])
    place.keep("000001", [f"p{number}" for number in range(40, 60)], vectors[40:])
    asked = np.linspace(1, 0.01, 60, dtype=np.float32)[np.newaxis]  # nearest to p0, then p1, ...
    found = [f"p{number}" for number in (*range(5), *range(10, 55))]
    assert recalls(place, asked, [found]) == {10: [0.5], 50: [0.9]}


def test_a_quick_run_measures_every_size_and_a_second_one_takes_what_is_kept(tmp_path: Path) -> None:
    told: list[str] = []
    plan = Plan(tmp_path, quick=True)
    measured = growth.measure(plan, lambda stage, _done, _total: told.append(stage))
    assert list(measured.sizes) == list(growth.QUICK_SIZES)
    for size in measured.sizes.values():
        assert size.built.passages > 0
        assert all(len(times) == len(size.asked.found) for times in size.asked.times.values())
        assert np.mean(size.asked.recalls[10]) > 0.9
        assert any(size.asked.right)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.json")}
    assert growth.measure(plan, lambda *_: None) == measured
    assert kept == {file: file.stat().st_mtime_ns for file in kept}


def test_a_build_with_imitated_vectors_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.benchmarks.growth_index.CHUNK", 3)
    monkeypatch.setattr("eval.benchmarks.growth_index.REAL_DOCUMENTS", 6)
    place = Place(tmp_path / "growth")
    draw = Imitation.draw

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Imitation, "draw", stopped)
    with pytest.raises(KeyboardInterrupt):
        imitate(place, 90, seed=1)
    embedded = place.vectors.joinpath("000001.npy").stat().st_mtime_ns
    monkeypatch.setattr(Imitation, "draw", draw)
    built = imitate(place, 90, seed=1)
    assert built.documents == 9
    assert place.vectors.joinpath("000001.npy").stat().st_mtime_ns == embedded, "it was embedded again"
    application = place.application()
    try:
        assert (
            application.vectors.count(application.catalog.manifest().segments[0].collection) == built.passages
        )
        found = application.pipeline.search("What the library connected", 5).hits
    finally:
        application.close()
    assert len(found) == 5
