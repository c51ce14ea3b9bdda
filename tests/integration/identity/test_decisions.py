"""A person's word: asked for in the band, obeyed by every later run, and able to take a merge back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rapport import identity
from rapport.errors import PermanentError
from rapport.identity.rules import Rules, load_rules

AT = datetime(2026, 4, 1, tzinfo=UTC)


def merge(shop: Any) -> tuple[str, str, int]:
    """Two customers that a later edge makes one: survivor, loser and the number of the change."""
    shop.profile("shopify:1")
    shop.profile("shopify:2")
    shop.resolve()
    first = shop.owners()
    shop.edge("shopify:1", "shopify:2")
    shop.resolve()
    (change,) = [row for row in shop.rows("identity.changes") if row["kind"] == "merge"]
    assert set(shop.owners().values()) == {first["shopify:1"]}
    return first["shopify:1"], first["shopify:2"], change["change_id"]


def test_an_undone_merge_splits_at_the_next_run_and_stays_so(shop: Any) -> None:
    survivor, loser, change = merge(shop)
    assert identity.undo(shop.settings, change, by="ada", at=AT) == 1
    shop.resolve()
    apart = shop.owners()
    assert apart["shopify:1"] == survivor
    assert apart["shopify:2"] not in {survivor, loser}
    assert identity.show(shop.settings, loser).customer_id == survivor
    assert [row["rule"] for row in shop.rows("identity.changes") if row["kind"] == "split"] == ["decision"]
    assert shop.resolve().worked_on == 0
    shop.run("update intermediate.int_profiles set phone = '+441632960000'")
    shop.resolve()
    assert shop.owners() == apart


def test_an_undone_split_comes_together_again_without_any_rule(shop: Any) -> None:
    survivor, _, _ = merge(shop)
    shop.run("delete from intermediate.int_edges")
    shop.resolve()
    (split,) = [row for row in shop.rows("identity.changes") if row["kind"] == "split"]
    identity.undo(shop.settings, split["change_id"], by="ada", at=AT)
    shop.resolve()
    assert shop.owners() == {"shopify:1": survivor, "shopify:2": survivor}
    assert set(shop.confidence().values()) == {"certain"}


def test_what_cannot_be_undone_says_so(shop: Any) -> None:
    shop.profile("shopify:1")
    shop.resolve()
    (create,) = shop.rows("identity.changes")
    with pytest.raises(PermanentError, match="only a merge, a join or a split"):
        identity.undo(shop.settings, create["change_id"], by="ada", at=AT)
    with pytest.raises(PermanentError, match="no change 999"):
        identity.undo(shop.settings, 999, by="ada", at=AT)
    with pytest.raises(PermanentError, match="no review 999"):
        identity.decide(shop.settings, 999, is_same=True, by="ada", at=AT)
    with pytest.raises(PermanentError, match="no customer ever"):
        identity.show(shop.settings, "nobody")


def small(min_profiles: int = 2, **values: float) -> Rules:
    rules = load_rules()
    likeness = rules.likeness.model_copy(update={"min_profiles": min_profiles, **values})
    return rules.model_copy(update={"likeness": likeness})


def test_likeness_joins_probably_asks_in_between_and_obeys(shop: Any) -> None:
    shop.people()
    rules = small(accept=0.98, review=0.05)
    report = shop.resolve(rules)
    assert report.note == "a new model was trained"
    owners = shop.owners()
    joined = [n for n in range(60) if owners[f"files:{n:02}a"] == owners[f"files:{n:02}b"]]
    assert len(joined) > 30
    assert sorted(shop.confidence().values()).count("probable") == len(joined)
    waiting = identity.open_reviews(shop.settings)
    assert waiting
    assert all(pair.probability >= 0.05 for pair in waiting)
    assert "lovelace" not in " ".join(pair.evidence for pair in waiting)

    yes = waiting[0]
    identity.decide(shop.settings, yes.review_id, is_same=True, by="ada", at=AT)
    for other in waiting[1:]:
        identity.decide(shop.settings, other.review_id, is_same=False, by="ada", at=AT)
    shop.resolve(rules)
    owners = shop.owners()
    assert owners[yes.profile_key_a] == owners[yes.profile_key_b]
    for no in waiting[1:]:
        assert owners[no.profile_key_a] != owners[no.profile_key_b]
    asked_before = {(pair.profile_key_a, pair.profile_key_b) for pair in waiting}
    still = {(pair.profile_key_a, pair.profile_key_b) for pair in identity.open_reviews(shop.settings)}
    assert not asked_before & still


def test_likeness_scores_only_pairs_of_what_changed(shop: Any) -> None:
    shop.people()
    rules = small()
    shop.resolve(rules)
    shop.profile("zendesk:new", match_first_name="ada", match_last_name="lovelace", birth_date="1940-01-01")
    report = shop.resolve(rules)
    last = shop.rows("identity.runs")[-1]
    assert last["changed_profiles"] == 1
    assert 0 < last["scored_pairs"] <= 20
    assert report.worked_on <= 5
    assert shop.owners()["zendesk:new"] == shop.owners()["files:00a"]
    assert len(shop.rows("identity.match_models")) == 1


def test_likeness_is_skipped_for_few_profiles_and_when_switched_off(shop: Any) -> None:
    shop.people()
    assert "fewer than 500" in shop.resolve().note
    off = shop.settings.model_copy(update={"identity_probabilistic": False})
    shop.resolve(small())
    assert any(row["rule"] == "likeness" for row in shop.rows("identity.edges"))
    assert "off" in identity.resolve(off, AT, small()).note
    assert not any(row["rule"] == "likeness" for row in shop.rows("identity.edges"))
    assert len(set(shop.owners().values())) == 120


def test_profiles_that_hold_numbers_alone_are_not_compared(shop: Any) -> None:
    for number in range(20):
        shop.profile(f"files:{number}", store_id=str(number))
    assert "too little to be compared by" in shop.resolve(small()).note
    assert len(set(shop.owners().values())) == 20
