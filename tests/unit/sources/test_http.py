"""How connectors speak HTTP: bounded retries that heed Retry-After, and errors that name request and setting."""

import httpx
import pytest

from rapport.errors import PermanentError, TransientError
from rapport.sources.http import TRIES, Api, Refused, retry_after
from rapport.sources.testing import Answer, FakeVendor

OK = Answer({"fine": True})


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def api(vendor: FakeVendor, waits: list[float]) -> Api:
    vendor.answer = lambda _: OK
    return Api("Vendor", vendor.url, "RAPPORT_VENDOR_TOKEN", {"X-Token": "secret-token"}, wait=waits.append)


@pytest.mark.parametrize(
    "fault",
    [Answer({}, 500), Answer({}, 429), Answer(raw=b'{"fine": tr'), Answer(raw=b""), Answer([1])],
    ids=["500", "429", "truncated", "empty", "no object"],
)
def test_a_passing_fault_is_tried_again(api: Api, vendor: FakeVendor, waits: list[float], fault: Answer) -> None:
    vendor.faults.extend([fault, fault])
    assert api.get("/things") == {"fine": True}
    assert waits == [0.5, 1.0]


def test_a_lasting_fault_gives_up_after_bounded_tries_and_names_the_request_only(
    api: Api, vendor: FakeVendor, waits: list[float]
) -> None:
    vendor.answer = lambda _: Answer({}, 503)
    with pytest.raises(TransientError) as raised:
        api.get("/things", {"email": "ann@mail.example"})
    assert "Vendor: GET /things answered 503" in str(raised.value)
    assert "secret-token" not in str(raised.value)
    assert "ann@" not in str(raised.value)
    assert len(vendor.requests) == TRIES
    assert len(waits) == TRIES - 1


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("soon", None), ("-3", 0.0), ("", None)])
def test_retry_after_is_read_as_a_number(value: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers={"retry-after": value})) == seconds


def test_retry_after_is_read_as_a_date_from_the_vendors_own_clock() -> None:
    headers = {"retry-after": "Wed, 01 Apr 2026 10:00:20 GMT", "date": "Wed, 01 Apr 2026 10:00:00 GMT"}
    assert retry_after(httpx.Response(429, headers=headers)) == 20.0


def test_the_wait_the_vendor_names_is_kept(api: Api, vendor: FakeVendor, waits: list[float]) -> None:
    vendor.faults.append(Answer({}, 429, {"retry-after": "7"}))
    api.get("/things")
    assert waits == [7.0]


def test_a_long_wait_is_handed_to_the_scheduler(api: Api, vendor: FakeVendor, waits: list[float]) -> None:
    vendor.faults.append(Answer({}, 429, {"retry-after": "900"}))
    with pytest.raises(TransientError) as raised:
        api.get("/things")
    assert raised.value.retry_after == 900
    assert waits == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_setting_and_is_not_tried_again(api: Api, vendor: FakeVendor, status: int) -> None:
    vendor.answer = lambda _: Answer({"error": "Denied"}, status)
    with pytest.raises(Refused, match=rf"GET /things answered {status} \(Denied\): check RAPPORT_VENDOR_TOKEN"):
        api.get("/things")
    assert len(vendor.requests) == 1


def test_a_vendor_that_is_not_there_is_transient() -> None:
    api = Api("Vendor", "http://127.0.0.1:9", "RAPPORT_VENDOR_URL", wait=lambda _: None, tries=2)
    with pytest.raises(TransientError, match="GET /things failed on the way"):
        api.get("/things")


def test_an_address_without_scheme_is_refused_at_once() -> None:
    with pytest.raises(PermanentError, match="RAPPORT_VENDOR_URL"):
        Api("Vendor", "shop.example", "RAPPORT_VENDOR_URL")
