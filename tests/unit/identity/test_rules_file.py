"""The file of rules: it ships whole, and a slip in it is found when it is read."""

import pytest
from pydantic import ValidationError

from rapport.identity.rules import Rules, load_rules


def test_the_file_names_exactly_the_rules_that_dbt_makes() -> None:
    from rapport.settings import CHECKOUT

    model = (CHECKOUT / "dbt_project/models/intermediate/unified/int_edges.sql").read_text()
    direct = {"store_id", "loyalty_number", "social_handle"}
    assert all(f"'{name}'" in model for name in load_rules().exact)
    assert {name for name in load_rules().exact if not name.startswith("same_")} == direct


def test_a_changed_threshold_changes_the_version() -> None:
    rules = load_rules()
    other = rules.model_copy(update={"likeness": rules.likeness.model_copy(update={"accept": 0.71})})
    assert other.version() != rules.version() == load_rules().version()


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        pytest.param("accept", 0.01, "does not hold", id="thresholds-out-of-order"),
        pytest.param("vetoes", [{"field": "email", "levels": ["nearly"], "unless": {}}], "nearly", id="unknown-level"),
        pytest.param("trian_on", [], "Extra inputs", id="misspelt-key"),
    ],
)
def test_what_does_not_hang_together_is_refused(part: str, value: object, said: str) -> None:
    document = load_rules().model_dump()
    document["likeness"][part] = value
    with pytest.raises(ValidationError, match=said):
        Rules.model_validate(document)
