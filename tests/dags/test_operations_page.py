"""The runbook names what there is: it is read at night."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
NIGHT = "".join(path.read_text() for path in sorted((ROOT / "docs" / "runbook").glob("*.md")))
DELIVERY = (ROOT / "docs" / "delivery.md").read_text()


def test_every_dag_stands_in_the_runbook(dag_bag: Any) -> None:
    for dag_id in dag_bag.dags:
        name = "campaign_<name>" if dag_id.startswith("campaign_") else dag_id
        assert f"`{name}`" in PAGE, dag_id


def test_every_service_and_connection_stands_in_the_runbook(airflow_home: Any) -> None:
    from rapport_airflow.connections import FIELDS

    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in [*services, *FIELDS]:
        assert f"`{name}`" in PAGE, name


def test_every_command_in_the_runbook_exists() -> None:
    import re

    from typer.main import get_command

    from rapport.cli import app

    root = get_command(app)
    lines = re.findall(r"`rapport ([^`]+)`", PAGE + NIGHT + DELIVERY)
    assert len(lines) > 20
    for line in lines:
        command: Any = root
        for word in re.split(r" (?=[A-Z-]|$)", line)[0].split():
            assert word in command.commands, line
            command = command.commands[word]
