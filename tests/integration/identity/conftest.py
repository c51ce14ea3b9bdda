"""A warehouse that holds only what identity reads: profiles and exact edges, laid down by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport import identity
from rapport.db import connect
from rapport.identity import IdentityReport
from rapport.identity.rules import Rules, load_rules
from rapport.settings import Settings

START = datetime(2026, 3, 25, 8, tzinfo=UTC)
TABLES = (
    """create table intermediate.int_profiles (
    profile_key text primary key, source text, source_rank integer, match_first_name text, match_last_name text,
    birth_date date, email text, phone text, address1 text, zip text, city text, loyalty_number text, store_id text,
    created_at timestamptz)""",
    """create table intermediate.int_edges (
    profile_key_a text, profile_key_b text, rule text, value text, fan_out bigint)""",
)
PROFILE = dict.fromkeys(
    (
        "match_first_name", "match_last_name", "birth_date", "email", "phone", "address1", "zip", "city",
        "loyalty_number", "store_id",
    )
)  # fmt: skip


@dataclass
class Shop:
    """Profiles are named `source:number`; each `resolve` is a day later than the one before."""

    settings: Settings
    day: int = 0

    def profile(self, key: str, **values: Any) -> None:
        row = PROFILE | {"profile_key": key, "source": key.partition(":")[0], "source_rank": 1} | values
        row.setdefault("created_at", START - timedelta(days=100 - len(self.rows("intermediate.int_profiles")) / 1000))
        columns = ", ".join(row)
        marks = ", ".join(f"%({name})s" for name in row)
        self.run(f"insert into intermediate.int_profiles ({columns}) values ({marks})", row)

    def people(self) -> None:
        """Sixty strangers, each twice; the second record of some lacks most and misspells the rest."""
        firsts = ["ada", "boris", "carla", "dmitri", "elena", "fabio", "greta", "hugo", "ines", "jonas"]
        lasts = ["lovelace", "karlsson", "moreau", "novak", "okafor", "petrov"]
        for number in range(60):
            first, last = firsts[number % 10], lasts[number % 6]
            born = f"19{40 + number}-{number % 12 + 1:02}-{number % 27 + 1:02}"
            person = {
                "match_first_name": first,
                "match_last_name": last,
                "birth_date": born,
                "city": f"town{number % 7}",
            }
            self.profile(f"files:{number:02}a", **person, zip=f"{number:05}", address1=f"{number} high street")
            slip = {"match_last_name": last[:2] + last[3:]} if number % 3 == 0 else {}
            gap = {"birth_date": None} if number % 4 == 0 else {}
            self.profile(f"files:{number:02}b", **(person | slip | gap))

    def edge(self, a: str, b: str, rule: str = "same_email", value: str = "x@example.com", fan_out: int = 2) -> None:
        a, b = sorted((a, b))
        statement = "insert into intermediate.int_edges values (%s, %s, %s, %s, %s)"
        self.run(statement, (a, b, rule, value, fan_out))

    def resolve(self, rules: Rules | None = None) -> IdentityReport:
        self.day += 1
        return identity.resolve(self.settings, START + timedelta(days=self.day), rules or load_rules())

    def run(self, statement: str, parameters: Any = None) -> None:
        with connect("transformer", settings=self.settings) as conn:
            conn.execute(statement, parameters)  # type: ignore[arg-type]

    def rows(self, relation: str) -> list[dict[str, Any]]:
        with connect("transformer", settings=self.settings) as conn:
            return conn.execute(f"select * from {relation} order by 1").fetchall()  # type: ignore[arg-type]

    def owners(self) -> dict[str, str]:
        return {row["profile_key"]: row["customer_id"] for row in self.rows("identity.members")}

    def confidence(self) -> dict[str, str]:
        return {row["profile_key"]: row["confidence"] for row in self.rows("identity.members")}


@pytest.fixture
def shop(database: Settings) -> Shop:
    with connect("transformer", settings=database) as conn:
        for statement in TABLES:
            conn.execute(statement)  # type: ignore[arg-type]
    return Shop(database.model_copy(update={"identity_probabilistic": True}))
