"""Whatever a page sends, an event becomes a row or a reason, and no identifier is kept without consent."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.gateway.visit_fields import Kept
from rapport.gateway.visits import BadEventError, Reader, Row

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
READER = Reader("a secret", "Analytics", Kept(["shop.example"]))
LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=30)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
URLS = st.sampled_from(
    ["https://shop.example/a?utm_source=x", "http://[::1", "https://evil.example", "//x", "", "https://shop.example:x/"]
)
CONSENT = st.fixed_dictionaries({"categoryPreferences": st.fixed_dictionaries({"Analytics": JSON})}) | JSON
CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "consent": CONSENT,
        "page": st.fixed_dictionaries({}, optional={"url": URLS | JSON, "referrer": URLS | JSON, "path": URLS | JSON})
        | JSON,
        "campaign": JSON,
        "userAgent": JSON,
        "library": JSON,
        "device": JSON,
    },
)
TIMES = st.sampled_from(["2027-03-01T09:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]) | JSON
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "page", "identify"]) | JSON},
    optional={
        "event": st.sampled_from(["Product Viewed", "Ada looked"]) | JSON,
        "messageId": JSON,
        "anonymousId": st.just("d-1") | JSON,
        "userId": st.just("u-1") | JSON,
        "previousId": JSON,
        "timestamp": TIMES,
        "sentAt": TIMES,
        "properties": st.fixed_dictionaries({"url": URLS, "price": JSON, "products": JSON, "query": JSON}) | JSON,
        "context": CONTEXT | JSON,
    },
)


def consents(event: Any) -> bool:
    try:
        return event["context"]["consent"]["categoryPreferences"]["Analytics"] is True
    except (KeyError, TypeError):
        return False


@settings(max_examples=600, deadline=None)
@given(event=EVENTS)
def test_every_event_becomes_a_row_or_a_reason(event: dict[str, Any]) -> None:
    # What could not have come over the wire is no case.
    event = orjson.loads(orjson.dumps(event))
    reading = READER.batch({"batch": [event]}, None, NOW)
    assert len(reading.rows) + len(reading.bad) == 1
    for bad in reading.bad:
        kinds = set(json.loads(bad.shape).values())
        assert kinds <= {"object", "list", "text", "boolean", "number", "null"}
    for row in reading.rows:
        assert row.occurred_at <= row.received_at
        assert "evil.example" not in row.properties
        assert row.has_consent is consents(event)
        if not row.has_consent:
            assert_names_nobody(row)


def assert_names_nobody(row: Row) -> None:
    assert (row.device_id, row.user_id, row.previous_id) == (None, None, None)
    assert (row.properties, row.page, row.campaign) == ("{}", "{}", "{}")
    assert len(row.message_id) == 64
    assert row.name in (None, "Product Viewed")


@settings(max_examples=200, deadline=None)
@given(document=JSON.filter(lambda value: not isinstance(value, dict)))
def test_what_is_no_event_is_refused_with_a_reason(document: Any) -> None:
    for read in (lambda: READER.single(document, "track", None, NOW), lambda: READER.batch(document, None, NOW)):
        with pytest.raises(BadEventError, match=r"\w+"):
            read()
