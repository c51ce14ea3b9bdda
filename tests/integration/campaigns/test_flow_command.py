"""`rapport campaign flow`: where people stand, in words."""

import pytest
from typer.testing import CliRunner

from rapport.cli import app, campaign

from .test_flows import Flows, shop

__all__ = ["shop"]


def test_the_command_shows_who_waits_for_which_step_and_why_people_left(
    shop: Flows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "get_settings", lambda: shop.settings)
    shop.person("ann", "ann@example.com")
    shop.person("bob", "bob@example.com", consent=None)
    shop.trigger("ann")
    shop.trigger("bob")
    shop.tick()
    told = CliRunner().invoke(app, ["campaign", "flow", "carts"])
    assert told.exit_code == 0, told.output
    lines = [" ".join(line.split()) for line in told.output.splitlines()]
    assert lines == [
        "first 0 waiting",
        "no_consent 1",
        "planned 1",
        "second 1 waiting",
        "left: no_consent 1",
    ]
    listed = CliRunner().invoke(app, ["campaign", "list"])
    assert "on cart_abandoned" in listed.output
