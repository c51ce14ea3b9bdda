"""What people do while the demo runs. Each function writes one thing in one transaction; times are aware datetimes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Any

from rapport.sandbox import records
from rapport.sandbox.accounts import consent
from rapport.sandbox.codes import first_good, redeem
from rapport.sandbox.people import load_person
from rapport.sandbox.shop_history import ORDER_STEP, credit, order_number
from rapport.sandbox.shopping import Account, Placing, compose_order, taste
from rapport.sandbox.social import interaction, person_profile
from rapport.sandbox.store import QUERIES, get_meta, transaction
from rapport.sandbox.support import compose_ticket, support_user
from rapport.sandbox.times import DAY, HOUR, epoch_of, iso, seconds

CONSENT_STATES = ("SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", "PENDING")


def place_order(
    con: Connection, person_id: int, at: datetime, *, campaign: str | None = None, landing: str | None = None,
    email: str | None = None, codes: Sequence[str] = (),
) -> int:  # fmt: skip
    """A person buys in the web shop; answers the order's number id.

    `campaign` is the utm_campaign of the mail they came from, `landing` the address they arrived at, `email` the
    address of the account they use (any of theirs when None or unknown; a guest order when they have none), `codes`
    what they type at the till: the store takes the first that is good, and uses it up.
    """
    person = load_person(con, person_id)
    with transaction(con):
        order_id = int(con.execute(QUERIES["last_ids"]).fetchone()["order_id"] or 0) + ORDER_STEP
        seed = _seed(con)
        rng = random.Random(f"{seed}:order:{person_id}:{order_id}")
        row = _store_account(con, rng, person_id, email)
        account = None if row is None else _account(row, person_id)
        when = seconds(at)
        placing = Placing(
            order_id, order_number(order_id), person, account, when, when,
            email=None if account else person.email, campaign=campaign, landing=landing,
            code=first_good(con, codes, when),
        )  # fmt: skip
        order = compose_order(rng, placing, taste(seed, person_id))
        records.put_order(con, order, person_id, campaign)
        if placing.code is not None:
            redeem(con, placing.code, order_id, order["totalDiscountsSet"])
        if row is not None:
            doc = records.loads(row["doc"])
            credit(doc, order)
            records.put_customer(con, doc)
    return order_id


def open_ticket(con: Connection, person_id: int, at: datetime) -> int:
    """A person writes to the support desk, about their last order if there is one; answers the ticket's id."""
    person = load_person(con, person_id)
    when = seconds(at)
    with transaction(con):
        last = con.execute(QUERIES["last_ids"]).fetchone()
        ticket_id = int(last["ticket_id"] or 0) + 1
        rng = random.Random(f"{_seed(con)}:ticket:{person_id}:{ticket_id}")
        row = con.execute(QUERIES["support_user_of"], {"person_id": person_id}).fetchone()
        if row is None:
            requester = int(last["user_id"] or 0) + rng.randrange(1, 400)
            accounts = con.execute(QUERIES["store_accounts_of"], {"person_id": person_id}).fetchall()
            customer_id = int(accounts[0]["id"]) if accounts else None
            records.put_user(con, support_user(rng, person, requester, when, when, customer_id))
            records.put_account(con, "zendesk", requester, person_id)
        else:
            requester = int(row["id"])
        order = con.execute(QUERIES["last_order"], {"person_id": person_id, "at": when}).fetchone()
        name = None if order is None else str(records.loads(order["doc"])["name"])
        records.put_ticket(con, compose_ticket(rng, person, ticket_id, requester, when, when, name), person_id)
    return ticket_id


def post_mention(con: Connection, person_id: int, at: datetime) -> str:
    """A person names the shop on Bluesky, joining first if need be; answers the post's at-uri."""
    person = load_person(con, person_id)
    when = at.timestamp()
    with transaction(con):
        seed = _seed(con)
        rng = random.Random(f"{seed}:mention:{person_id}:{when:.3f}")
        row = con.execute(QUERIES["profile_of"], {"person_id": person_id}).fetchone()
        if row is None:
            profile = person_profile(rng, seed, person, when)
            records.put_profile(con, profile)
            records.put_account(con, "bluesky", profile["did"], person_id)
        else:
            profile = records.loads(row["doc"])
        posts = [records.loads(post["doc"]) for post in con.execute(QUERIES["shop_posts"], {"at": when})]
        kind = rng.choice(("mention", "mention", "reply"))
        doc = interaction(rng, profile, person.language, when, posts, when, kind)
        records.put_interaction(con, doc)
    return str(doc["uri"])


def change_email_consent(con: Connection, person_id: int, state: str, at: datetime, *, email: str | None = None) -> int:
    """Set the e-mail marketing state of all store accounts of a person, or of the one with `email`.

    Answers how many changed. Raises ValueError for a state the store does not know.
    """
    if state not in CONSENT_STATES:
        raise ValueError(f"no such e-mail marketing state: {state}; one of {', '.join(CONSENT_STATES)}")
    changed = 0
    with transaction(con):
        for row in con.execute(QUERIES["store_accounts_of"], {"person_id": person_id}).fetchall():
            if row["email"] is None or (email is not None and row["email"] != email.strip().lower()):
                continue
            doc = records.loads(row["doc"])
            consent(doc, state, seconds(at))
            doc["updatedAt"] = iso(max(epoch_of(doc["updatedAt"]), seconds(at)))
            records.put_customer(con, doc)
            changed += 1
    return changed


def settle(con: Connection, at: datetime) -> int:
    """The shop works on: orders older than a day and a half are shipped, tickets answered and, later, solved.

    Answers how many rows changed. All of them carry `at` as their time of change, so that no reader misses one.
    """
    when = seconds(at)
    with transaction(con):
        return _ship(con, when) + _answer(con, when)


def _ship(con: Connection, when: int) -> int:
    span = {"since": when - 20 * DAY, "until": when - 36 * HOUR}
    rows = con.execute(QUERIES["orders_to_ship"], span).fetchall()
    for row in rows:
        doc = records.loads(row["doc"])
        doc |= {"displayFulfillmentStatus": "FULFILLED", "updatedAt": iso(when), "closedAt": iso(when)}
        records.put_order(con, doc, row["person_id"])
    return len(rows)


def _answer(con: Connection, when: int) -> int:
    changed = 0
    span = {"since": when - 12 * DAY, "until": when - 8 * HOUR}
    for row in con.execute(QUERIES["tickets_to_answer"], span).fetchall():
        doc = records.loads(row["doc"])
        rng = random.Random(f"{row['id']}:{doc['status']}")
        if doc["status"] == "new":
            doc["status"] = rng.choice(("open", "pending"))
            doc["metric_set"]["replies"] = 1
        else:
            doc["status"] = "solved"
            doc["metric_set"]["solved_at"] = iso(when)
            doc["satisfaction_rating"] = {"score": rng.choices(("good", "bad", "offered"), (46, 12, 42))[0]}
        doc |= {"updated_at": iso(when), "generated_timestamp": when}
        records.put_ticket(con, doc, row["person_id"])
        changed += 1
    return changed


def _store_account(con: Connection, rng: random.Random, person_id: int, email: str | None) -> Row | None:
    rows = con.execute(QUERIES["store_accounts_of"], {"person_id": person_id}).fetchall()
    wanted = None if email is None else email.strip().lower()
    own: list[Row] = [row for row in rows if row["email"] == wanted] or rows
    return rng.choice(own) if own else None


def _account(row: Row, person_id: int) -> Account:
    doc: dict[str, Any] = records.loads(row["doc"])
    email, phone = doc["defaultEmailAddress"], doc["defaultPhoneNumber"]
    return Account(
        customer_id=int(row["id"]),
        person_id=person_id,
        email=None if email is None else email["emailAddress"],
        phone=None if phone is None else phone["phoneNumber"],
    )


def _seed(con: Connection) -> str:
    return get_meta(con, "seed") or "0"
