"""The Splink settings that `rules.yml` describes, and their training without labels."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from rapport.identity.rules import DIFFERENT, Comparison, Likeness

U_FLOOR = 0.1
SEED = 7
SAMPLED_PAIRS = 500_000

Model = dict[str, Any]


def settings(rules: Likeness, known: Collection[str]) -> Any:
    """Splink's settings for the columns that the data knows. It has no blocks: it is given the pairs."""
    from splink import SettingsCreator

    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="row_id",
        comparisons=[
            _comparison(name, comparison)
            for name, comparison in rules.compare.items()
            if set(comparison.columns) & set(known)
        ],
        blocking_rules_to_generate_predictions=[],
        retain_matching_columns=True,  # the levels come only along with the values
    )


def train_u(linker: Any) -> None:
    """Chance agreement, by random sampling (Fellegi and Sunter 1969)."""
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=SEED)


def train_m(linker: Any, lessons: Sequence[str]) -> None:
    """Agreement of matches, by expectation maximisation (Winkler 1988) over the pairs of each lesson, a condition over
    `l` and `r` that holds for some. What a lesson takes for granted, the others teach."""
    for lesson in lessons:
        linker.training.estimate_parameters_using_expectation_maximisation(lesson)


def prior(weights: Any, assumed: float, pairs: float) -> float:
    """The share of all `pairs` that match, by EM with all else fixed. `weights` are log2 odds under `assumed`."""
    import numpy as np

    evidence = np.asarray(weights) - _log_odds(assumed)
    share = assumed
    for _ in range(100):
        odds = evidence + _log_odds(share)
        found = float((1 / (1 + np.exp2(-odds))).sum()) / pairs
        found = min(max(found, 1 / pairs), 0.5)
        if abs(math.log2(found / share)) < 1e-4:
            break
        share = found
    return share


def corrected(model: Model, share: float) -> Model:
    """The model under that prior, with matches taken out of u: random pairs hold a `share` of them, which weighs where
    an agreement by chance is as rare as a match. A tenth of each u stays, since both numbers are estimates."""
    comparisons = [
        comparison
        | {"comparison_levels": [_without_matches(level, share) for level in comparison["comparison_levels"]]}
        for comparison in model["comparisons"]
    ]
    return model | {"probability_two_random_records_match": share, "comparisons": comparisons}


def level_names(comparison: Comparison) -> dict[int, str]:
    """Splink numbers levels from the last, which is 0; -1 is unknown."""
    best_first = [*comparison.levels, DIFFERENT]
    return dict(enumerate(reversed(best_first)))


def _comparison(name: str, comparison: Comparison) -> Any:
    from splink.comparison_level_library import CustomLevel, ElseLevel
    from splink.comparison_library import CustomComparison

    unknown = " or ".join(
        "coalesce(" + ", ".join(f"{column}_{side}" for column in comparison.columns) + ") is null" for side in "lr"
    )
    levels = [CustomLevel(unknown, "unknown").configure(is_null_level=True)]
    for said, level in comparison.levels.items():
        custom = CustomLevel(level.when, said)
        levels.append(custom.configure(tf_adjustment_column=level.rare) if level.rare else custom)
    return CustomComparison(output_column_name=name, comparison_levels=[*levels, ElseLevel()])


def _without_matches(level: Model, share: float) -> Model:
    u, m = level.get("u_probability"), level.get("m_probability")
    if not isinstance(u, float) or not isinstance(m, float):
        return level
    return level | {"u_probability": max(u - share * m, u * U_FLOOR)}


def _log_odds(share: float) -> float:
    return math.log2(share / (1 - share))
