"""Where a person stands: the one list of tables that erasing and exporting walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, LiteralString

from rapport.db import Role, load_queries

Fate = Literal["deleted", "emptied", "kept", "derived"]
_ROWS = load_queries("rapport.privacy", "rows.sql")


@dataclass(frozen=True)
class Held:
    """A table with rows of people.

    `writer` is the role that may change it. Erasing deletes the rows, empties them, keeps them (nothing in them names
    the person once the rest is gone), or leaves them to the next build (derived). `about` tells the person what it
    holds; empty: a copy of another table, which is erased but not exported. `rows` names another block of rows.sql than
    the table's own.
    """

    table: LiteralString
    writer: Role
    fate: Fate
    about: str
    rows: str = ""

    @property
    def block(self) -> str:
        return self.table.replace(".", "__")

    @property
    def condition(self) -> LiteralString:
        """Which rows are the person's, over the parameters of Person.given."""
        return _ROWS[self.rows or self.block]


# A load is merged from here, and the rows of the last one stay until the next.
_LANDED = (
    Held("raw_shopify_staging.orders", "loader", "deleted", "", "raw_shopify__orders"),
    Held("raw_shopify_staging.customers", "loader", "deleted", "", "raw_shopify__customers"),
    Held("raw_zendesk_staging.tickets", "loader", "deleted", "", "raw_zendesk__tickets"),
    Held("raw_zendesk_staging.users", "loader", "deleted", "", "raw_zendesk__users"),
    Held("raw_bluesky_staging.interactions", "loader", "deleted", "", "raw_bluesky__interactions"),
    Held("raw_bluesky_staging.profiles", "loader", "deleted", "", "raw_bluesky__profiles"),
)

HELD: tuple[Held, ...] = (
    Held("raw_shopify.customers", "loader", "deleted", "your accounts in the store"),
    Held("raw_shopify.orders", "loader", "emptied", "your orders in the store"),
    Held("raw_zendesk.users", "loader", "deleted", "you in our help desk"),
    Held("raw_zendesk.tickets", "loader", "emptied", "what you asked our help desk"),
    Held("raw_bluesky.profiles", "loader", "deleted", "your profile on the social network"),
    Held("raw_bluesky.interactions", "loader", "deleted", "what you wrote to us or about us in public"),
    Held("raw_files.customers", "loader", "deleted", "customer records of other systems of ours"),
    Held("raw_files.order_lines", "loader", "emptied", "orders from other systems of ours"),
    Held("raw_files.loyalty", "loader", "deleted", "your points and tier in the loyalty programme"),
    Held("raw_web.events", "loader", "deleted", "what you did on our pages and apps, as far as you agreed to that"),
    Held("landing.quarantine", "loader", "deleted", "records with your address that could not be read"),
    *_LANDED,
    Held("identity.edges", "transformer", "deleted", "why records are taken to be of one person"),
    Held("identity.match_reviews", "transformer", "deleted", "records that a person was asked to compare"),
    Held("identity.decisions", "transformer", "deleted", "what a person decided about your records"),
    Held("identity.profile_states", "transformer", "deleted", "marks by which a change of a record is noticed"),
    Held("identity.changes", "transformer", "emptied", "how your records were joined and parted"),
    Held("identity.customer_ids", "transformer", "emptied", "the number we know you by"),
    Held("identity.members", "transformer", "deleted", "which records are yours"),
    Held("identity.membership_history", "transformer", "deleted", "groups of customers you were in", "by_customer"),
    Held("scores.lifetime", "transformer", "deleted", "what we expect you to buy", "by_customer"),
    Held("scores.churn", "transformer", "deleted", "how likely we think you are to come back", "by_customer"),
    Held("scores.send_time", "transformer", "deleted", "the hour at which you read mail", "by_customer"),
    Held("scores.recommendations", "transformer", "deleted", "products we would recommend to you", "by_customer"),
    Held("marts.customers", "transformer", "derived", "what we work out about you from all this", "by_customer"),
    Held("segments.customer_segments", "transformer", "derived", "groups of customers you are in", "by_customer"),
    Held("activation.campaign_audience", "transformer", "derived", "what a mail to you may say", "by_customer"),
    Held("ops.recipient", "engine", "emptied", "the address we write to", "by_recipient"),
    Held("ops.send", "engine", "emptied", "mails to you, and what was printed in them", "by_recipient"),
    Held("ops.send_attempt", "engine", "kept", "when we tried to send them", "by_send"),
    Held("ops.webhook_inbox", "engine", "emptied", "what the mail provider told about them"),
    Held("ops.feedback", "engine", "kept", "complaints and returned mails", "by_recipient"),
    Held("ops.decision", "engine", "kept", "why you were or were not written to"),
    Held("ops.flow_run", "engine", "kept", "what set off a series of mails", "by_customer"),
    Held("ops.flow_step", "engine", "kept", "the steps of such a series"),
    Held("ops.coupon_code", "engine", "kept", "codes that were made for you", "by_send"),
    Held("ops.survey_answer", "engine", "deleted", "your answers to our questions", "by_send"),
    Held("ops.opt_in", "engine", "emptied", "when you asked for mail", "by_recipient"),
    Held("ops.opt_in_confirmation", "engine", "kept", "when you confirmed that"),
    Held("ops.consent_fact", "engine", "kept", "what you agreed to, and when", "by_recipient"),
    Held("ops.suppression", "engine", "kept", "why we do not write to you", "by_recipient"),
)
