"""A shop with one campaign, a mail provider and a gateway: what Airflow needs to plan and send, and no more."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from rapport.db import connect, migrate
from rapport.db.embedded import EmbeddedPostgres, free_port
from rapport.keys import recipient_key
from rapport.sandbox import mail
from rapport.settings import CHECKOUT, Settings

CAMPAIGN = "proof"
AUDIENCE = """
create table activation.campaign_audience (
    customer_id text, email text, first_name text, last_name text, locale text, language text, country_code text,
    time_zone text, time_zone_source text, segments text[], rfm_group text, orders_count bigint, revenue numeric,
    first_order_at timestamptz, last_order_at timestamptz, days_since_last_order int, last_product_title text,
    favourite_category text, currency_code text, open_tickets_count bigint, email_consent boolean,
    email_consent_at timestamptz, as_of timestamptz
)
"""
DEFINITION = """
name: proof
title: Proof
owner: tests
topic: marketing
kind: recurring
policy: at_least_once
segment: loyal
schedule: { cron: "0 0 * * *", time_zone: UTC }
subject: Hello
canary_wait: 0m
"""
# A name in each mail: what shares a body would leave by four requests, too quick to be caught in the middle.
HTML = """<html><body><p>Hello {{ first_name }}</p><p>{{ shop_name }}, {{ shop_postal_address }}</p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""
TEXT = "Hello {{ first_name }}\n{{ shop_name }}, {{ shop_postal_address }}\n{{ unsubscribe_url }}\n"
# Seconds instead of minutes, in the order that Limits.check asks for; in the task's process and nowhere else.
SHORT = """
from datetime import timedelta as _timedelta
from rapport.delivery import limits as _limits, reconcile as _reconcile
_limits.Limits.__init__.__defaults__ = (1.0, 3.0, 6.0, 8.0, 12.0, 20.0, 0.2)
_reconcile.GATE_MARGIN = _timedelta(seconds=3)
"""


@dataclass(frozen=True)
class Shop:
    settings: Settings
    env: dict[str, str]
    provider: str
    ledger: Path

    def count(self, query: str) -> int:
        with connect("engine", settings=self.settings) as conn:
            row = conn.execute(query).fetchone()  # type: ignore[arg-type]
        return int(row["n"]) if row else 0

    def execute(self, query: str) -> None:
        with connect("engine", settings=self.settings) as conn:
            conn.execute(query)  # type: ignore[arg-type]

    def states(self) -> dict[str, int]:
        with connect("engine", settings=self.settings) as conn:
            return {
                row["state"]: row["n"] for row in conn.execute("select state, count(*) as n from ops.send group by 1")
            }

    def accepted(self) -> list[str]:
        """The provider's own ledger: send ids in order of acceptance, with repetition."""
        return mail.ledger.accepted_send_ids(self.ledger)


@contextmanager
def shop(folder: Path, people: int) -> Iterator[Shop]:
    """Everything up; ended and removed afterwards."""
    server = EmbeddedPostgres(folder / "server")
    server.start()
    children: list[subprocess.Popen[str]] = []
    try:
        settings = Settings(
            project_dir=_project(folder / "project"),
            home=folder / "home",
            database_url=server.url("rapport"),
            environment="proof",
            installation_id="proof",
            secret_key="a-key-for-this-proof",
            shop_name="Proof Ltd",
            shop_postal_address="1 Proof Street",
            gateway_url=f"http://127.0.0.1:{free_port(18090)}",
        )
        with connect(settings=settings) as conn:
            migrate(conn)
        _audience(settings, people)
        env = {key: value for key, value in os.environ.items() if not key.startswith(("RAPPORT_", "PYTHONDONT"))}
        provider = subprocess.Popen(
            [sys.executable, "-m", "tests.scheduler.provider", str(folder / "mail"), settings.gateway_url],
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env=env,
        )
        children.append(provider)
        assert provider.stdout is not None
        url, key, public_key = provider.stdout.readline().split()
        names = ("project_dir", "home", "database_url", "environment", "installation_id", "secret_key", "shop_name")
        names += ("shop_postal_address", "gateway_url")
        env |= {f"RAPPORT_{name.upper()}": str(getattr(settings, name)) for name in names}
        env |= {
            "RAPPORT_SENDGRID_URL": url,
            "RAPPORT_SENDGRID_API_KEY": key,
            "RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS": public_key,
        }
        port = settings.gateway_url.rpartition(":")[2]
        command = [sys.executable, "-c", "from rapport.cli import main; main()", "gateway", "--port", port]
        children.append(subprocess.Popen(command, env=env, text=True))
        _wait(f"{settings.gateway_url}/healthz")
        yield Shop(settings, env, url, folder / "mail")
    finally:
        for child in children:
            child.kill()
            child.wait()
        server.stop("immediate")


def _project(folder: Path) -> Path:
    """The checkout's DAGs and plugins around one campaign of ours."""
    folder.mkdir()
    for name in ("plugins", "dbt_project", "expectations"):
        (folder / name).symlink_to(CHECKOUT / name)
    shutil.copytree(
        CHECKOUT / "dags", folder / "dags", ignore=shutil.ignore_patterns("ingest_*", "build_*", "maintain*")
    )
    deliver = folder / "dags" / "deliver.py"
    # Behind the notes, which must stay the module's docstring.
    notes, rest = deliver.read_text().split("\nfrom airflow.sdk", 1)
    deliver.write_text(f"{notes}\n{SHORT}\nfrom airflow.sdk{rest}")
    campaign = folder / "campaigns" / CAMPAIGN
    campaign.mkdir(parents=True)
    (campaign / "campaign.yml").write_text(DEFINITION)
    (campaign / "body.html").write_text(HTML)
    (campaign / "body.txt").write_text(TEXT)
    (folder / "campaigns" / "policy.yml").write_text("approval: { two_people_from: 2 }\n")
    return folder


def _audience(settings: Settings, people: int) -> None:
    now = datetime.now(UTC)
    with connect("transformer", settings=settings) as conn:
        conn.execute(AUDIENCE)
        conn.cursor().executemany(
            "insert into activation.campaign_audience (customer_id, email, first_name, segments, email_consent, as_of)"
            " values (%s, %s, %s, '{loyal}', true, %s)",
            [(f"c{number}", f"p{number}@post.example", f"P{number}", now) for number in range(people)],
        )
    with connect("engine", settings=settings) as conn:
        conn.cursor().executemany(
            "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)"
            " values (%s, 'marketing', true, %s, 'proof', 'form', %s)",
            [
                (recipient_key(settings, f"p{number}@post.example"), now - timedelta(days=9), f"c{number}")
                for number in range(people)
            ],
        )
        conn.execute(
            "insert into ops.gate_run (gate_run_id, suite, passed, checks_count, ran_at)"
            " values (%s, 'activation.campaign_audience', true, 1, %s)",
            (uuid4(), now),
        )


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"{url} does not answer")
