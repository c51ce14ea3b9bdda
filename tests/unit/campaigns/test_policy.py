"""What a folder states and the shop's policy does not let come true is told when it is checked, not found at night."""

from collections.abc import Callable
from pathlib import Path

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.policy import FILE, disagreements, load_policy
from rapport.settings import Settings

Edit = Callable[..., Path]


def fields(folder: Path, shop: Settings, policy: str = "caps: []") -> list[str]:
    (shop.campaigns_dir / FILE).write_text(policy, encoding="utf-8")
    return [problem.field for problem in disagreements(load_campaign(folder, shop), load_policy(shop))]


def test_automatic_needs_the_policys_leave(spring: Edit, shop: Settings) -> None:
    folder = spring("owner:", "approval: automatic\nowner:")
    assert fields(folder, shop) == ["approval"]
    assert fields(folder, shop, "approval: { automatic: true }") == []


def test_a_window_within_the_shops_quiet_hours_could_never_send(spring: Edit, shop: Settings) -> None:
    folder = spring()
    assert fields(folder, shop, 'quiet_hours: { from: "21:00", to: "08:00" }') == []
    assert fields(folder, shop, 'quiet_hours: { from: "08:00", to: "20:30" }') == ["window"]
