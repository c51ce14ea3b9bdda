"""Answers to surveys: harmless to look at, kept by a button that works without scripts, and never of somebody else."""

from datetime import timedelta

import pytest

from rapport.campaigns.lifecycle.surveys import purpose
from rapport.gateway.store import ANSWERS_A_MAIL
from rapport.keys import sign_token, uuid7

from .conftest import Gate

ANSWERS = "select survey, answer, comment, language from ops.survey_answer order by recorded_at"


def link(gate: Gate, survey: str = "nps", signed_for: str | None = None, about: object = None) -> str:
    token = sign_token(gate.settings, purpose(signed_for or survey), str(about or gate.ada))
    return f"/s/{survey}/{token}"


def test_a_scanner_that_follows_every_number_changes_nothing(gate: Gate) -> None:
    for number in range(11):
        for method in ("GET", "HEAD"):
            assert gate.client.request(method, f"{link(gate)}?answer={number}&comment=x").status_code == 200
    assert gate.rows(ANSWERS) == []


def test_the_page_shows_the_number_of_the_link_chosen_and_no_other(gate: Gate) -> None:
    page = gate.client.get(f"{link(gate)}?answer=9").text
    assert 'value="9" required checked' in page
    assert page.count(" checked") == 1
    assert "script" not in page
    for nonsense in ("", "11", "-1", "9.5", "٩", "nine", "00009"):
        page = gate.client.get(link(gate), params={"answer": nonsense}).text
        assert " checked" not in page
        assert page.count('type="radio"') == 11
    assert gate.client.get(link(gate, "csat") + "?answer=0").text.count(" checked") == 0


def test_the_button_keeps_answer_and_words_and_the_newest_holds(gate: Gate) -> None:
    said = gate.client.post(link(gate) + "?answer=2&lang=de", data={"answer": "9", "comment": " so\0 good "})
    assert (said.status_code, "Danke" in said.text) == (200, True)
    gate.clock.at += timedelta(minutes=5)
    assert gate.client.post(link(gate), data={"answer": "10", "comment": "  "}).status_code == 200
    assert gate.rows(ANSWERS) == [("nps", 9, "so good", "de"), ("nps", 10, None, "en")]


def test_one_mail_fills_no_table(gate: Gate) -> None:
    for _ in range(ANSWERS_A_MAIL + 3):
        assert gate.client.post(link(gate), data={"answer": "1"}).status_code == 200
    assert len(gate.rows(ANSWERS)) == ANSWERS_A_MAIL


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (lambda gate: link(gate, signed_for="csat"), 404),
        (lambda gate: gate.link("unsubscribe").replace("/u/", "/s/nps/"), 404),
        (lambda gate: link(gate, "love"), 404),
        (lambda gate: link(gate, about=uuid7()), 404),
        (lambda gate: link(gate) + "x", 404),
        (lambda gate: link(gate), 400),
    ],
    ids=["another survey", "another purpose", "no survey", "no such mail", "forged", "no number"],
)
def test_what_is_no_answer_is_not_kept(gate: Gate, path, status: int) -> None:  # type: ignore[no-untyped-def]
    data = {"answer": "9" if status == 404 else "99"}
    assert gate.client.post(path(gate), data=data).status_code == status
    assert gate.rows(ANSWERS) == []


def test_a_link_to_a_survey_ends_nothing(gate: Gate) -> None:
    token = link(gate).rpartition("/")[2]
    assert gate.client.post(f"/u/{token}", data={"confirm": "yes"}).status_code == 404
    assert gate.suppressed() == []
