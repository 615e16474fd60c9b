import math
from dataclasses import replace

import numpy as np
import pytest

from eval.cases import InvalidCases
from eval.fitting import Example, fit
from eval.logistic import Logistic, fit_logistic, sigmoid

NAMES = ("signal", "noise")


def test_logistic_regression_finds_the_odds_of_two_groups() -> None:
    # 3 of 4 are true where x = 1, 1 of 4 where x = 0: bias log(1/3), weight log(3) - log(1/3)
    features = np.array([[0.0]] * 4 + [[1.0]] * 4)
    truth = np.array([0, 0, 0, 1, 0, 1, 1, 1], float)
    model = fit_logistic(features, truth, penalty=0.0)
    assert model.bias == pytest.approx(math.log(1 / 3))
    assert model.weights[0] == pytest.approx(2 * math.log(3))
    assert model.probability(features)[-1] == pytest.approx(0.75)


def test_sample_weights_count_as_repetitions() -> None:
    features, truth = np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 1, 0, 1], float)
    weighted = fit_logistic(features, truth, 0.0, np.array([3.0, 1, 1, 3]))
    assert weighted.weights[0] == pytest.approx(2 * math.log(3))


def test_a_heavy_penalty_leaves_the_prior() -> None:
    generator = np.random.default_rng(1)
    features = generator.normal(size=(200, 2)) * [1, 10]
    truth = (features[:, 0] > 0).astype(float)
    prior = np.array([0.5, -0.2])
    assert fit_logistic(features, truth, 1e9, prior=prior).weights == pytest.approx(prior, abs=1e-4)
    assert fit_logistic(features, truth, 1.0, prior=prior).weights[0] > 1.0


def test_a_signal_that_never_varies_has_no_weight() -> None:
    features = np.array([[0.0, 7.0], [1.0, 7.0], [0.5, 7.0]])
    model = fit_logistic(features, np.array([0.0, 1.0, 1.0]), 1.0)
    assert model.weights[1] == 0.0
    assert np.isfinite(model.bias)


def test_a_rescaled_model_has_the_rescaled_logit() -> None:
    model, features = Logistic(np.array([2.0]), 1.0), np.array([[3.0]])
    assert model.rescaled(0.5, -1.0).logit(features) == pytest.approx(0.5 * 7 - 1)
    assert sigmoid(np.array([1e6, -1e6])) == pytest.approx([1.0, 0.0])


def make_examples(answerable: int = 60, unanswerable: int = 60) -> list[Example]:
    """Ten sentences a case; the one that answers has the signal, with some overlap."""
    generator = np.random.default_rng(11)
    examples = []
    for index in range(answerable + unanswerable):
        features = generator.normal([0, 0], 1, size=(10, 2))
        answers = np.zeros(10)
        if index < answerable:
            features[0, 0] += 5
            answers[0] = 1.0
        examples.append(Example(f"cluster-{index}", index < answerable, features, answers))
    return examples


def test_the_order_in_which_sentences_were_ranked_does_not_count() -> None:
    # That order comes of the decision fitted last: a fit that leaned on it would be another each time.
    examples = [
        replace(
            found,
            features=np.tile(found.features, (3, 1)) + np.repeat([[0.0], [0.1], [0.2]], 10, 0),
            answers=np.tile(found.answers, 3),
        )
        for found in make_examples()
    ]
    turned = [
        replace(found, features=found.features[::-1], answers=found.answers[::-1]) for found in examples
    ]
    prior = np.array([1.0, 0.5])
    assert fit(turned, NAMES, prior).model.weights == pytest.approx(fit(examples, NAMES, prior).model.weights)


def test_the_fit_learns_which_signal_answers() -> None:
    fitted = fit(make_examples(), NAMES, np.zeros(2))
    assert fitted.model.weights[0] > 5 * abs(fitted.model.weights[1])
    assert fitted.auroc > 0.95
    assert fitted.calibration_error < 0.12


def test_a_dearer_wrong_answer_raises_the_threshold() -> None:
    examples = make_examples()
    cheap, dear = fit(examples, NAMES, np.zeros(2), 0.2), fit(examples, NAMES, np.zeros(2), 20.0)
    assert dear.threshold > cheap.threshold


def test_error_rates_go_from_answering_all_to_refusing_all() -> None:
    rates = fit(make_examples(), NAMES, np.zeros(2)).error_rates
    refused = [rate.refused_answerable for rate in rates]
    answered = [rate.answered_unanswerable for rate in rates]
    assert refused == sorted(refused)
    assert answered == sorted(answered, reverse=True)
    assert refused[0] < 0.05
    assert answered[-1] < 0.05


def test_the_same_examples_give_the_same_fit() -> None:
    first, second = fit(make_examples(), NAMES, np.zeros(2)), fit(make_examples(), NAMES, np.zeros(2))
    assert (first.threshold, first.model.bias) == (second.threshold, second.model.bias)


def test_one_kind_of_case_cannot_be_fitted() -> None:
    with pytest.raises(InvalidCases, match="some that cannot"):
        fit(make_examples(answerable=10, unanswerable=0), NAMES, np.zeros(2))


def test_a_case_of_twice_the_weight_counts_as_two() -> None:
    examples = make_examples()
    heavy = [found if found.answerable else replace(found, weight=2.0) for found in examples]
    twice = [*examples, *(found for found in examples if not found.answerable)]
    weighted, repeated = fit(heavy, NAMES, np.zeros(2)), fit(twice, NAMES, np.zeros(2))
    assert weighted.model.weights == pytest.approx(repeated.model.weights, rel=0.01)
    for one, other in zip(weighted.error_rates, repeated.error_rates, strict=True):
        assert one.cost == pytest.approx(other.cost, abs=0.001)
        assert one.answered_unanswerable == pytest.approx(other.answered_unanswerable, abs=0.001)
    assert weighted.error_rates[20].cost != pytest.approx(
        fit(examples, NAMES, np.zeros(2)).error_rates[20].cost
    )
