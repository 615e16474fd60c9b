import math

import numpy as np
import pytest

from eval.knowing import auroc
from eval.statistics import (
    Indices,
    estimate,
    estimate_difference,
    estimate_mean,
    mcnemar_exact,
    sign_flip,
)


def test_the_interval_of_independent_cases_is_that_of_the_binomial() -> None:
    values = [1.0] * 300 + [0.0] * 100
    figure = estimate_mean(values, range(400))
    spread = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert figure.value == 0.75
    assert figure.low == pytest.approx(0.75 - spread, abs=0.005)
    assert figure.high == pytest.approx(0.75 + spread, abs=0.005)
    assert (figure.n, figure.clusters) == (400, 400)


def test_cases_that_fail_together_give_a_wider_interval() -> None:
    values = [1.0] * 300 + [0.0] * 100
    clustered = estimate_mean(values, [index // 20 for index in range(400)])
    independent = estimate_mean(values, range(400))
    assert clustered.clusters == 20
    assert clustered.high - clustered.low > 3 * (independent.high - independent.low)


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        figure = estimate_mean((generator.random(120) < 0.7).astype(float), range(120))
        held += figure.low <= 0.7 <= figure.high
    assert 180 <= held <= 198


def test_the_same_values_give_the_same_interval() -> None:
    assert estimate_mean([0, 1, 1], "abc") == estimate_mean([0, 1, 1], "abc")


def test_never_wrong_is_not_certainly_never_wrong() -> None:
    # Clopper and Pearson: 0 of 20 has the upper bound 1 - 0.025 ** (1 / 20)
    figure = estimate_mean([0.0] * 40, [index // 2 for index in range(40)])
    assert (figure.value, figure.low) == (0.0, 0.0)
    assert figure.high == pytest.approx(0.168, abs=0.001)
    assert estimate_mean([1.0] * 20, range(20)).low == pytest.approx(1 - 0.168, abs=0.001)


def test_what_is_not_a_share_has_no_such_bound() -> None:
    figure = estimate_mean([0.0, 0.0], "ab", bounded=False)
    assert (figure.low, figure.high) == (0.0, 0.0)


def test_no_values_are_an_error() -> None:
    with pytest.raises(ValueError, match="no mean"):
        estimate_mean([], [])


def test_any_statistic_gets_an_interval() -> None:
    confidence, truth = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.75]), np.array([1, 1, 1, 0, 0, 0])

    def statistic(at: Indices) -> float:
        return auroc(confidence[at], truth[at])

    figure = estimate(statistic, range(6))
    assert figure is not None
    assert figure.value == pytest.approx(8 / 9)
    assert figure.low < figure.value <= figure.high


def test_a_statistic_that_does_not_exist_has_none() -> None:
    assert estimate(lambda _: math.nan, "ab") is None


def test_a_paired_difference_is_surer_than_two_figures() -> None:
    generator = np.random.default_rng(3)
    before = (generator.random(200) < 0.5).astype(float)
    after = before.copy()
    after[np.flatnonzero(before == 0)[:20]] = 1.0
    change = estimate_difference(before, after, range(200))
    assert change.value == pytest.approx(0.1)
    assert change.low > 0.05
    apart = estimate_mean(after, range(200)).high - estimate_mean(before, range(200)).low
    assert change.high < apart


def test_mcnemar_is_the_exact_binomial() -> None:
    # 1 loss of 6 changes: 2 * (1 + 6) / 2 ** 6
    assert mcnemar_exact(1, 5) == pytest.approx(14 / 64)
    assert mcnemar_exact(5, 1) == mcnemar_exact(1, 5)
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(3, 3) == 1.0
    assert mcnemar_exact(0, 2_000) == pytest.approx(0.0, abs=1e-300)


def test_sign_flips_are_counted_exactly_for_few_clusters() -> None:
    # sums 1, 2, 3: of 8 sign patterns only +++ and --- reach 6
    assert sign_flip([1, 2, 3], "abc") == 2 / 8
    assert sign_flip([1, 2, 3], "aaa") == 1.0
    assert sign_flip([0, 0], "ab") == 1.0


def test_sign_flips_are_sampled_for_many() -> None:
    generator = np.random.default_rng(5)
    noise = generator.normal(size=100)
    assert sign_flip(noise - noise.mean(), range(100)) > 0.9
    assert sign_flip(noise + 1, range(100)) < 0.001
