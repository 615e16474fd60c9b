"""Every expected value is worked out by hand in the test."""

import math

import pytest

from eval.knowing import (
    area_under_risk_coverage,
    auroc,
    calibration_bins,
    expected_calibration_error,
    risk_coverage,
)


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    # pairs of (0.9, 0.5) with (0.7, 0.5, 0.1): 3 in order, then 1 in order, 1 tied, 1 against: 4.5 of 6
    assert auroc([0.9, 0.5, 0.7, 0.5, 0.1], [1, 1, 0, 0, 0]) == pytest.approx(4.5 / 6)
    assert auroc([0.1, 0.9], [0, 1]) == 1.0
    assert auroc([0.3, 0.3], [0, 1]) == 0.5


def test_auroc_of_one_class_does_not_exist() -> None:
    assert math.isnan(auroc([0.1, 0.9], [1, 1]))


def test_risk_coverage_has_a_point_for_each_confidence() -> None:
    points = risk_coverage([0.9, 0.8, 0.8, 0.2], [1, 0, 1, 0])
    assert [(point.threshold, point.coverage, point.risk) for point in points] == [
        (0.9, 0.25, 0.0),
        (0.8, 0.75, pytest.approx(1 / 3)),
        (0.2, 1.0, 0.5),
    ]


def test_its_area_is_the_mean_risk_with_ties_answered_together() -> None:
    # risks at each case: 0, 1/3, 1/3 (tied), 1/2
    expected = (0 + 1 / 3 + 1 / 3 + 1 / 2) / 4
    assert area_under_risk_coverage([0.9, 0.8, 0.8, 0.2], [1, 0, 1, 0]) == pytest.approx(expected)
    assert area_under_risk_coverage([0.8, 0.9, 0.2, 0.8], [0, 1, 0, 1]) == pytest.approx(expected)
    assert math.isnan(area_under_risk_coverage([], []))


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    # bin 0.8-0.9: two answers, sure 0.85, half right: gap 0.35; bin 0.2-0.3: one, sure 0.2, right: gap 0.8
    confidence, right = [0.82, 0.88, 0.2], [1, 0, 1]
    assert expected_calibration_error(confidence, right) == pytest.approx((2 * 0.35 + 1 * 0.8) / 3)
    low, high = calibration_bins(confidence, right)
    assert (low.low, low.n, low.accuracy) == (0.2, 1, 1.0)
    assert (high.low, high.high, high.n) == (0.8, 0.9, 2)
    assert high.confidence == pytest.approx(0.85)


def test_full_confidence_is_in_the_last_bin() -> None:
    (only,) = calibration_bins([1.0], [1])
    assert (only.low, only.high) == (0.9, 1.0)
    assert expected_calibration_error([1.0], [1]) == 0.0
    assert math.isnan(expected_calibration_error([], []))
