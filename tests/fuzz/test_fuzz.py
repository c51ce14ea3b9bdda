"""A short, seeded run of what `make fuzz` does a million times."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from rapport.campaigns.audience.columns import COLUMNS
from rapport.campaigns.mail import sandbox
from rapport.settings import Settings

from . import conditions, events, forgery, templates, tokens
from .house import settings_for

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]


@pytest.fixture
def settings(database: Settings) -> Settings:
    return settings_for(database.home, database.require("database_url"), KEYS)


def test_no_forged_batch_is_accepted_and_none_makes_the_gateway_stumble(settings: Settings) -> None:
    held, told = forgery.forge(settings, KEYS, 5_000, seed=7, processes=1)
    assert held, told


def test_no_forged_link_is_accepted(settings: Settings) -> None:
    held, told = tokens.forge(settings, 5_000, seed=7, processes=1)
    assert held, told


def test_order_repetition_and_lateness_of_events_change_nothing(settings: Settings) -> None:
    held, told = events.shuffle(settings, KEYS[0], 10_000, seed=7)
    assert held, told


@pytest.mark.parametrize("broken", ["replay", "signature"])
def test_a_gateway_that_forgot_a_check_is_caught(
    settings: Settings, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapport.gateway.signature import Verifier

    check = Verifier.refusal

    def forgetful(self: Verifier, *values: object) -> str | None:
        refusal = check(self, *values)  # type: ignore[arg-type]
        return None if refusal == broken else refusal

    monkeypatch.setattr(Verifier, "refusal", forgetful)
    held, told = forgery.forge(settings, KEYS, 200, seed=7, processes=1)
    assert not held
    assert "status 200" in told


def test_no_condition_becomes_sql_of_its_own_or_fails_a_plan(settings: Settings) -> None:
    held, told = conditions.attack(settings, 3_000, seed=7, processes=1)
    assert held, told
    assert told.startswith("3,000 conditions (")


def test_a_list_of_columns_that_lets_a_foreign_one_in_is_caught(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COLUMNS, "email", "text")
    held, told = conditions.attack(settings, 2_000, seed=7, processes=1)
    assert not held
    assert " 0 foreign accepted" not in told


def test_a_condition_that_is_more_than_ours_is_caught() -> None:
    assert conditions.harmless("""coalesce(("audience"."revenue" > %(filter_0)s), false)""")
    for strange in (
        """coalesce(("audience"."email" = %(filter_0)s), false)""",
        """coalesce((pg_sleep(1) = %(filter_0)s), false)""",
        """coalesce(("audience"."revenue" > 'x'), false)""",
        "true; drop table x",
    ):
        assert not conditions.harmless(strange)


def test_no_template_escapes_hangs_or_grows() -> None:
    held, told = templates.attack(400, seed=7, processes=1)
    assert held, told
    (with_blocks,) = (part for part in told.split("; ") if "with ready blocks" in part)
    assert " 0 of these rendered" not in with_blocks


def test_templates_that_nobody_checked_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "faults", lambda source: [])
    held, told = templates.attack(500, seed=7, processes=1)
    assert not held
    assert "brought its process down" in told or "printed" in told or "took" in told
