"""Bluesky's session: renewed when it expires, opened anew when it cannot be, refused with the setting named."""

import pytest

from rapport.errors import PermanentError
from rapport.settings import Settings
from rapport.sources.bluesky.client import BlueskyClient
from rapport.sources.testing import Answer, FakeVendor, Request

EXPIRED = Answer({"error": "ExpiredToken", "message": "Token has expired"}, 400)


class Network:
    """Access tokens are numbered; only the newest is good. A refresh works unless `spent`."""

    def __init__(self, spent: bool = False) -> None:
        self.number, self.spent, self.good = 0, spent, ""
        self.calls: list[str] = []

    def __call__(self, request: Request) -> Answer:
        method = request.path.rpartition(".")[2]
        self.calls.append(method)
        if method in ("createSession", "refreshSession"):
            if method == "refreshSession" and self.spent:
                return EXPIRED
            self.number += 1
            self.good = f"Bearer a{self.number}"
            return Answer({"accessJwt": f"a{self.number}", "refreshJwt": f"r{self.number}"})
        if request.headers["authorization"] != self.good:
            return EXPIRED
        page = request.query.get("cursor", ["0"])[0]
        return Answer({"notifications": [{"uri": page}], **({"cursor": str(int(page) + 1)} if page < "2" else {})})


@pytest.mark.parametrize(
    ("spent", "renewal"), [(False, ["refreshSession"]), (True, ["refreshSession", "createSession"])]
)
def test_an_expired_session_is_renewed_in_the_middle_of_a_listing(
    at_vendor: Settings, vendor: FakeVendor, spent: bool, renewal: list[str]
) -> None:
    network = Network(spent)
    vendor.answer = network
    pages = BlueskyClient(at_vendor, wait=lambda _: None).notifications()
    found = [next(pages)]
    network.good = "none any more"
    found += pages
    assert [item["uri"] for page in found for item in page] == ["0", "1", "2"]
    assert [call for call in network.calls if "Session" in call] == ["createSession", *renewal]


def test_a_wrong_password_names_the_settings(at_vendor: Settings, vendor: FakeVendor) -> None:
    vendor.answer = lambda _: Answer({"error": "AuthenticationRequired"}, 401)
    with pytest.raises(PermanentError, match="RAPPORT_BLUESKY_APP_PASSWORD"):
        next(BlueskyClient(at_vendor).notifications())
