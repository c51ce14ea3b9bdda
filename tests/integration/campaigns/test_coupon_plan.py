"""Planning a mail that prints a code: nobody is refused for want of one, and claiming takes it, not planning."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.offers import coupons
from rapport.campaigns.planning.plan import plan
from rapport.db import connect

BODY = "Write here what you have to say."
EDITS = (
    ("campaign.yml", "segment:", "coupon: { name: spring10, valid_for: 14d }\nsegment:"),
    ("body.mjml", BODY, "{{ blocks.coupon }}"),
    ("body.txt", BODY, "{{ blocks.coupon }}"),
)


def test_a_code_is_taken_by_claiming_and_not_by_planning(
    shop: Any, make_campaign: Callable[..., Campaign], tmp_path: Path
) -> None:
    shop.person("c01", "joe@example.com")
    with connect("engine", settings=shop.settings) as conn:
        coupons.add(conn, "spring10", "import", [("SPRING-1", None)], shop.clock.now())
    campaign = make_campaign("with_coupon", *EDITS)
    report = plan(campaign, shop.settings, shop.clock)
    assert report.planned == 1, report.waterfall
    with connect("engine", settings=shop.settings) as conn:
        (pool,) = coupons.pools(conn, shop.clock.now())
        (send,) = conn.execute("select context from ops.send").fetchall()
        (template,) = conn.execute("select coupon, coupon_valid_seconds from ops.template").fetchall()
    assert (pool.free, pool.sent) == (1, 0)
    assert "coupon" not in send["context"]
    assert template == {"coupon": "spring10", "coupon_valid_seconds": 14 * 86_400}
