"""A survey's mail: each reader's own link in a body that several share, and an answer that finds its mail."""

import json
import re
from typing import Any

from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from rapport.delivery import Limits, run_dispatcher
from rapport.gateway import create_app

QUICK = Limits(connect_seconds=0.5, read_seconds=1, deadline_seconds=2, lease_seconds=3, window_seconds=4)
LINK = re.compile(r"/s/nps/[0-9a-f]{8}\.[\w.-]+")


def test_each_reader_answers_by_a_link_of_their_own(shop: Any, provider: Any) -> None:
    sends = shop.plan(3)
    shop.conn.execute(
        """update ops.template set
        html = replace(html, '</body>', '<a href="{{ survey_url }}?answer=9">9</a></body>'),
        body_text = body_text || ' {{ survey_url }}?answer=9'"""
    )
    shop.conn.execute("update ops.send set context = %s", (Jsonb({"first_name": "Joe", "survey": "nps"}),))
    report = run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    assert report.accepted == 3, [shop.row(send)["reason"] for send in sends]
    links = {found for body in provider.bodies for found in LINK.findall(json.dumps(body).replace("&#x2f;", "/"))}
    assert len(links) == 3
    assert not any("ada" in found for found in links)
    with TestClient(create_app(shop.settings, shop.clock)) as client:
        for number, found in enumerate(sorted(links)):
            assert 'value="9" required checked' in client.get(f"{found}?answer=9").text
            assert client.post(found, data={"answer": str(number)}).status_code == 200
    rows = shop.conn.execute("select send_id, answer from ops.survey_answer").fetchall()
    assert sorted(row["send_id"] for row in rows) == sorted(sends)
    assert sorted(row["answer"] for row in rows) == [0, 1, 2]
