"""What the demo says at its end and its beginning."""

from rich.console import Console

from rapport.db import connect
from rapport.demo.summary import results_table
from rapport.demo.world import tell_port
from rapport.settings import Settings

RESULTS = """
create table marts.campaign_results as
select
    'win_back' as campaign_id,
    to_char(date '2026-11-20' + day, 'YYYY-MM-DD') || 'T06:00' as occurrence_key,
    700 + day as planned, 749 as accepted, 730 as delivered, 133 as opened, 55 as clicked, 19 as orders_count,
    1380.55 as reporting_revenue
from generate_series(0, 4) as day
"""


def test_results_are_whole_on_a_narrow_terminal_with_the_newest_first(database: Settings) -> None:
    with connect("transformer", settings=database) as conn:
        conn.execute(RESULTS)
    console = Console(width=80)
    with console.capture() as shown:
        console.print(results_table(database))
    lines = shown.get().splitlines()
    assert "…" not in shown.get()
    (keys,) = (line for line in lines if "occurrence_key" in line)
    assert [f"2026-11-{day}T06:00" in keys for day in (24, 23, 22, 21)] == [True, True, True, False]
    assert any("revenue" in line and line.count("1,380.55") == 3 for line in lines)


def test_only_a_port_that_was_taken_is_told() -> None:
    said: list[str] = []
    tell_port("Airflow", 8080, 8080, said.append)
    tell_port("Postgres", 5433, 40_001, said.append)
    assert said == ["Port 5433 is taken; Postgres listens on 40001."]
