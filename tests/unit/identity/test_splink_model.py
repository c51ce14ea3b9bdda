"""The share of matches among all pairs, found without labels."""

import numpy as np
import pytest

from rapport.identity.splink_model import corrected, prior


@pytest.mark.parametrize("assumed", [1e-5, 1e-3, 0.05])
def test_the_share_of_matches_is_found_from_any_first_guess(assumed: float) -> None:
    rng = np.random.default_rng(5)
    matches, others = 300, 3_000
    evidence = np.concatenate([rng.normal(22, 3, matches), rng.normal(-8, 2, others)])
    weights = evidence + np.log2(assumed / (1 - assumed))
    assert prior(weights, assumed, 1_000_000) == pytest.approx(matches / 1_000_000, rel=0.05)


def test_matches_are_taken_out_of_chance_agreement_but_never_all_of_it() -> None:
    levels = [{"m_probability": 0.9, "u_probability": 0.01}, {"m_probability": 0.9, "u_probability": 0.0009}, {}]
    model = {"comparisons": [{"comparison_levels": levels}]}
    answer = corrected(model, 0.001)
    shares = [level.get("u_probability") for level in answer["comparisons"][0]["comparison_levels"]]
    assert shares == [pytest.approx(0.0091), pytest.approx(0.00009), None]
    assert answer["probability_two_random_records_match"] == 0.001
