"""What a bounce is about, by the words of the receiving server and, where they say too little, of the provider."""

from typing import Any

import pytest

from rapport.delivery.bounces import bounce_kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", "hard_bounce"),
        ("5.1.2", "hard_bounce"),
        ("5.1.10", "hard_bounce"),
        ("5.1.8", "block"),
        ("5.2.1", "hard_bounce"),
        ("5.2.2", "soft_bounce"),
        ("5.2.3", "block"),
        ("5.3.0", "soft_bounce"),
        ("5.4.1", "hard_bounce"),
        ("5.4.4", "hard_bounce"),
        ("5.4.7", "soft_bounce"),
        ("5.6.0", "block"),
        ("5.7.1", "block"),
        ("5.7.26", "block"),
        ("4.2.2", "soft_bounce"),
        ("4.4.1", "soft_bounce"),
        ("4.7.1", "soft_bounce"),
    ],
)
def test_the_enhanced_status_decides(status: str, kind: str) -> None:
    assert bounce_kind({"status": status, "type": "bounce"}) == kind


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"status": "4.7.1", "type": "blocked"}, "block"),
        ({"status": "5.1.1", "type": "blocked"}, "hard_bounce"),
        ({"status": "5.2.2", "type": "blocked"}, "soft_bounce"),
        ({"status": "5.5.0", "bounce_classification": "Invalid Address"}, "hard_bounce"),
        ({"status": "5.0.0", "bounce_classification": "Reputation"}, "block"),
        ({"status": "550", "bounce_classification": "Mailbox Unavailable"}, "soft_bounce"),
        ({"status": "", "bounce_classification": "Frequency or Volume Too High"}, "block"),
        ({"bounce_classification": "Unclassified", "type": "bounce"}, "hard_bounce"),
        ({"status": None, "type": "blocked"}, "block"),
        ({"status": "6.1.1", "type": "bounce"}, "hard_bounce"),
        ({"status": {"a": 1}, "type": 7}, "soft_bounce"),
        ({}, "soft_bounce"),
    ],
    ids=lambda value: str(value),
)
def test_the_provider_decides_where_the_status_says_too_little(raw: dict[str, Any], kind: str) -> None:
    assert bounce_kind(raw) == kind
