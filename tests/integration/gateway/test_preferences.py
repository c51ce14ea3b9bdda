"""The preference page: off at once, on by a confirmed request only."""

from datetime import timedelta

import pytest

from rapport.gateway.opt_in import erase_addresses

from .conftest import FORM_KEY, NOW, Gate

SHOWN = ["marketing", "product-news"]


def requests(gate: Gate) -> list[tuple[object, ...]]:
    return gate.rows("select recipient_key, address, topic, source, language from ops.opt_in order by asked_at, topic")


def test_the_page_shows_how_things_stand_and_not_whose(gate: Gate) -> None:
    gate.send("key-of-ada", "product-news")
    gate.consent("key-of-bob", "product-news")
    gate.client.post(gate.link("unsubscribe"), data={"confirm": "yes"})
    page = gate.client.get(gate.link("preferences") + "?lang=uk").text
    assert 'value="marketing"><span>Новини та пропозиції' in page
    assert 'value="product-news" checked><span>Product news' in page
    assert "ada" not in page
    assert gate.facts() == []


def test_what_is_unticked_is_off_at_once_and_the_rest_stays(gate: Gate) -> None:
    gate.send("key-of-ada", "product-news")
    answer = gate.client.post(
        gate.link("preferences"), data={"action": "save", "shown": SHOWN, "keep": ["product-news"]}
    )
    assert answer.status_code == 200
    assert 'role="status">Saved.' in answer.text
    assert gate.suppressed() == [("key-of-ada", "marketing", "unsubscribe")]
    (fact,) = gate.facts()
    assert fact[:3] == ("marketing", False, "preference_page")
    assert fact[3].endswith("[ ] News and offers")
    assert not gate.stopped("product-news")
    assert requests(gate) == []


def test_saving_what_is_already_so_writes_nothing(gate: Gate) -> None:
    for _ in range(2):
        gate.client.post(gate.link("preferences"), data={"action": "save", "shown": SHOWN, "keep": ["marketing"]})
    assert gate.facts() == gate.suppressed() == requests(gate) == []


def test_a_topic_that_the_page_did_not_show_is_left_alone(gate: Gate) -> None:
    gate.client.post(gate.link("preferences"), data={"action": "save", "shown": ["product-news"]})
    assert gate.facts() == gate.suppressed() == []


def test_everything_off_is_everything_that_will_ever_be(gate: Gate) -> None:
    for _ in range(2):
        answer = gate.client.post(gate.link("preferences"), data={"action": "off", "keep": SHOWN, "shown": SHOWN})
        assert "Everything is off" in answer.text
        assert "checked" not in answer.text
    assert gate.suppressed() == [("key-of-ada", "*", "unsubscribe")]
    assert [fact[:3] for fact in gate.facts()] == [("marketing", False, "preference_page")]
    assert gate.stopped("a topic of next year")
    # For good: neither this page nor a confirmed request brings mail back.
    gate.client.post(gate.link("preferences"), data={"action": "save", "shown": SHOWN, "keep": SHOWN})
    assert requests(gate) == []


def test_turning_a_topic_on_takes_a_confirmation_from_the_mailbox(gate: Gate) -> None:
    gate.client.post(gate.link("preferences"), data={"action": "save", "shown": SHOWN})
    gate.clock.at += timedelta(hours=1)
    answer = gate.client.post(
        gate.link("preferences") + "?lang=de", data={"action": "save", "shown": SHOWN, "keep": ["marketing"]}
    )
    assert "Sie erhalten gleich eine E-Mail zur Bestätigung: Neuigkeiten und Angebote." in answer.text
    assert requests(gate) == [("key-of-ada", None, "marketing", "preference_page", "de")]
    assert gate.stopped("marketing")
    assert [fact[1] for fact in gate.facts()] == [False]

    (opt_in_id,) = gate.rows("select opt_in_id from ops.opt_in")[0]
    for _ in range(3):
        assert "<form" in gate.client.get(gate.link("opt_in", opt_in_id)).text
    assert gate.stopped("marketing")
    for _ in range(2):
        assert gate.client.post(gate.link("opt_in", opt_in_id), data={"confirm": "yes"}).status_code == 200
    assert not gate.stopped("marketing")
    wording = (
        "Ich möchte „Neuigkeiten und Angebote“ von Test Shop Ltd per E-Mail erhalten. Ich kann das jederzeit beenden."
    )
    assert gate.facts()[1:] == [("marketing", True, "double_opt_in", wording)]
    page = gate.client.get(gate.link("preferences")).text
    assert 'value="marketing" checked' in page


def test_an_old_link_turns_off_but_no_longer_on(gate: Gate) -> None:
    gate.clock.at += timedelta(days=91)
    page = gate.client.get(gate.link("preferences")).text
    assert 'value="product-news" disabled' in page
    assert "older than 90 days" in page
    gate.client.post(gate.link("preferences"), data={"action": "save", "shown": SHOWN, "keep": ["product-news"]})
    assert requests(gate) == []
    assert gate.stopped("marketing")


@pytest.mark.parametrize("reason", ["complaint", "hard_bounce", "manual", "erasure"])
def test_what_is_final_is_neither_asked_for_nor_lifted(gate: Gate, reason: str) -> None:
    gate.conn.execute(
        "insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)"
        " values ('key-of-ada', '*', %s, 'x', 'x', %s)",
        (reason, NOW - timedelta(days=9)),
    )
    gate.client.post(gate.link("preferences"), data={"action": "save", "shown": SHOWN, "keep": SHOWN})
    assert requests(gate) == []
    gate.conn.execute(
        "insert into ops.opt_in select gen_random_uuid(), 'key-of-ada', null, 'marketing', 'en', 'w', 'form', %s, %s",
        (NOW, NOW + timedelta(days=1)),
    )
    (opt_in_id,) = gate.rows("select opt_in_id from ops.opt_in")[0]
    gate.client.post(gate.link("opt_in", opt_in_id), data={"confirm": "yes"})
    assert gate.stopped("marketing")


@pytest.mark.parametrize(
    "form", [{}, {"keep": ["marketing"]}, {"action": "delete"}, {"confirm": "yes"}], ids=["empty", "keep", "other", "u"]
)
def test_a_post_without_one_of_the_two_buttons_changes_nothing(gate: Gate, form: dict[str, list[str]]) -> None:
    assert gate.client.post(gate.link("preferences"), data=form).status_code == 400
    assert gate.facts() == gate.suppressed() == []


def test_the_unsubscribe_token_does_not_open_the_preferences(gate: Gate) -> None:
    assert gate.client.get(gate.link("unsubscribe").replace("/u/", "/p/")).status_code == 404


def ask(gate: Gate, **changes: str) -> tuple[int, str]:
    form = {"key": FORM_KEY, "address": "Neu@Post.example", "topic": "marketing", **changes}
    answer = gate.client.post("/opt-in", data=form)
    return answer.status_code, answer.text


def test_a_request_from_the_shops_form_waits_for_its_confirmation(gate: Gate) -> None:
    known = gate.rows("select address from ops.recipient")[0][0]
    status, page = ask(gate)
    assert (status, page) == ask(gate, address=known + "@post.example")
    assert status == 200
    assert "Neu" not in page
    ((key, address, topic, source, language), _) = sorted(requests(gate), key=lambda row: row[1] != "neu@post.example")
    assert (address, topic, source, language) == ("neu@post.example", "marketing", "form", "en")
    assert len(str(key)) == 64
    assert gate.facts() == []


def test_nobody_can_order_many_mails_to_one_address(gate: Gate) -> None:
    answers = {ask(gate) for _ in range(8)}
    assert len(answers) == 1
    assert len(requests(gate)) == 5
    gate.clock.at += timedelta(days=1, minutes=1)
    ask(gate)
    assert len(requests(gate)) == 6


def test_one_network_cannot_ask_for_ever(gate: Gate) -> None:
    statuses = [ask(gate, address=f"a{number}@post.example")[0] for number in range(25)]
    assert statuses == [200] * 20 + [429] * 5


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"key": ""}, 404),
        ({"key": "é"}, 404),
        ({"topic": "unknown"}, 404),
        ({"topic": "mark\0eting"}, 404),
        ({"address": ""}, 400),
        ({"address": "no address"}, 400),
        ({"address": "a\0b@post.example"}, 400),
        ({"address": "x" * 250 + "@post.example"}, 400),
    ],
    ids=["no key", "other key", "topic", "topic NUL", "empty", "no address", "address NUL", "long"],
)
def test_a_request_that_does_not_fit_is_refused(gate: Gate, changes: dict[str, str], status: int) -> None:
    assert ask(gate, **changes)[0] == status
    assert requests(gate) == []


def test_after_its_time_a_request_cannot_be_confirmed_and_its_address_is_erased(gate: Gate) -> None:
    ask(gate)
    ask(gate, address="quick@post.example")
    link = {row[0]: gate.link("opt_in", row[1]) for row in gate.rows("select address, opt_in_id from ops.opt_in")}
    assert gate.client.post(link["quick@post.example"], data={"confirm": "yes"}).status_code == 200
    assert erase_addresses(gate.settings, gate.clock) == 1
    gate.clock.at += timedelta(days=7)
    for method in ("GET", "POST"):
        answer = gate.client.request(method, link["neu@post.example"], data={"confirm": "yes"})
        assert (answer.status_code, "expired" in answer.text) == (410, True)
    assert erase_addresses(gate.settings, gate.clock) == 1
    assert gate.rows("select count(*) from ops.opt_in where address is not null") == [(0,)]
    assert [fact[1] for fact in gate.facts()] == [True]
    # A confirmed one stays what it is.
    assert gate.client.get(link["quick@post.example"]).status_code == 200
