"""Starting and ending Airflow's parts, without the whole of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rapport.demo.airflow import SCHEDULER, AirflowLauncher
from rapport.settings import Settings

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.mark.parametrize(
    ("line", "said"), [(b"go\n", b"3."), (b"", b"")], ids=["goes-on-at-a-line", "ends-when-we-are-gone"]
)
def test_the_scheduler_waits_for_our_word(line: bytes, said: bytes, tmp_path: Path) -> None:
    env = os.environ | {"AIRFLOW_HOME": str(tmp_path), "GX_ANALYTICS_ENABLED": "false"}
    command = [sys.executable, "-c", SCHEDULER, "version"]
    done = subprocess.run(command, input=line, env=env, capture_output=True, check=True, timeout=120)
    assert done.stdout.strip()[: len(said) or None] == said


def test_a_part_that_waits_for_its_tasks_is_not_waited_for(tmp_path: Path) -> None:
    url = "postgresql://rapport:pw@127.0.0.1:5433/rapport"
    launcher = AirflowLauncher(Settings(home=tmp_path, database_url=url, secret_key="k", installation_id="i"))
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, start_new_session=True) as scheduler:
        assert scheduler.stdout is not None
        scheduler.stdout.readline()
        launcher.running["scheduler"] = scheduler
        launcher.stop(grace=0.2)
        assert scheduler.returncode == -9
    assert launcher.running == {}
