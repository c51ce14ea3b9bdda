"""What the demo does, in order: start everything, one cycle through Airflow's scheduler, then look and live on."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from rich.console import Console
from rich.live import Live

from rapport.db.embedded import EmbeddedPostgres
from rapport.demo.airflow import PREFERRED_PORT, AirflowApi, AirflowLauncher
from rapport.demo.processes import Children, alone, end_running
from rapport.demo.summary import checks, checks_table, results_table
from rapport.demo.view import View, number
from rapport.demo.world import DemoWorld, start_warehouse, start_world, tell_port, wait_for_gateway
from rapport.errors import RapportError, TransientError
from rapport.landing.inbox import import_inbox
from rapport.settings import Settings

CAMPAIGN = "win_back"
MARKETER = "marketer"
BUILD = "build_customers"
INGESTS = ("ingest_shopify", "ingest_zendesk", "ingest_bluesky", "ingest_web")
# Demo seconds in a real one: slow while data is pulled and planned, fast while people get and read their mail.
PACE_AT_WORK = 60.0
PACE_OF_THE_DAY = 3600.0
PACE_OF_THE_NEXT_DAY = 14400.0
# Airflow's scheduler takes an answer for a crash of the task when it comes before it has seen the task go to rest, for
# which it may need a heartbeat of a second and a loop of its own.
READING_SECONDS = 3.0
RUN_SECONDS = 240.0
CYCLE_SECONDS = 480.0


class _Stopped(Exception):
    """Ctrl-C or SIGTERM."""


def run_demo(settings: Settings, *, once: bool, customers: int, seed: int) -> int:
    """Runs the demo; returns the exit code: 0 when (with `once`) the summary adds up, or a person stopped it.

    Raises PermanentError while another demo runs on the same home.
    """
    with alone(settings.home):
        return _run_alone(settings, once=once, customers=customers, seed=seed)


def _run_alone(settings: Settings, *, once: bool, customers: int, seed: int) -> int:
    _stop_on_signals()
    console = Console()
    children = Children(settings.home)
    left_over = children.stop_left_over()
    if left_over:
        console.print(f"Stopped what an earlier demo left running: {', '.join(left_over)}.")
    launcher: AirflowLauncher | None = None
    world: DemoWorld | None = None
    try:
        console.print("Starting Postgres, the simulated shop, the gateway and Airflow (half a minute) ...")
        start_warehouse(settings, console.print)
        # Its tables and the shop's history take some seconds each, and neither needs the other.
        with ThreadPoolExecutor(max_workers=1) as meanwhile:
            migrated = meanwhile.submit(AirflowLauncher(settings).migrate)
            world = start_world(
                settings, children, customers=customers, seed=seed, say=console.print, pace=PACE_AT_WORK
            )
            # Before Airflow looks into the inbox: a file that it finds there would begin a build of its own.
            import_inbox(world.settings, world.clock)
            migrated.result()
        launcher = AirflowLauncher(world.settings, env=world.env)
        tell_port("Airflow", PREFERRED_PORT, launcher.port, console.print)
        launcher.start()
        for name, pid in launcher.pids().items():
            children.remember(name, pid)
        wait_for_gateway(world, children)
        launcher.wait_healthy(120)
        api = AirflowApi(launcher.url, launcher.user, launcher.password)
        view = View(world.settings, world.clock, console)
        marketer = AirflowApi(launcher.url, MARKETER, launcher.password_of(MARKETER))
        _cycle(world, api, marketer, view, children)
        return _finish_once(world, view) if once else _live_on(world, launcher, view, children)
    except _Stopped:
        console.print("Stopping.")
        return 0
    except RapportError as error:
        console.print(f"[red]The demo stopped:[/red] {error}", highlight=False)
        return 1
    finally:
        _stop_everything(settings, children, launcher, world)


def stop_demo(settings: Settings) -> None:
    """Ends a demo that runs, and what an interrupted one left running, the embedded Postgres too."""
    end_running(settings.home)
    Children(settings.home).stop_left_over()
    EmbeddedPostgres(settings.home).stop()


def _cycle(world: DemoWorld, api: AirflowApi, marketer: AirflowApi, view: View, children: Children) -> None:
    # On its start Airflow may have begun a round by itself: the shop is up, so that one pulls everything, too.
    _ingest_and_build(api, view, children, lambda dag: api.run_under_way(dag) or api.trigger(dag))
    view.say("Planning the campaign [bold]win_back[/bold] for people who have not bought for long.")
    _plan(api, marketer, view, children)
    counts = view.counts()
    view.say(f"{number(counts['planned'])} mails planned, each for its reader's own morning or afternoon.")
    morning = world.clock.now()
    world.clock.set_pace(PACE_OF_THE_DAY)
    view.say(f"The day begins: {PACE_OF_THE_DAY / 60:.0f} shop minutes pass in a second.")
    api.trigger("deliver")
    _until(view, children, lambda c: c["planned"] > 0 and c["open"] == 0)
    for reason in view.trips(morning):
        view.say(f"The breaker has stopped it until a person has looked ({reason}); the rest stays here.")
    view.say("All mails have left or have their reason. People read, click and buy at their own hours.")
    world.clock.set_pace(PACE_OF_THE_NEXT_DAY)
    wanted = world.clock.now().timestamp() + 28 * 3600
    _until(
        view,
        children,
        lambda c: c["delivered"] + c["bounced"] >= c["accepted"] and world.clock.now().timestamp() > wanted,
    )
    world.clock.set_pace(0)
    view.say("Closing the day: what they did goes back into the tables.")
    _until(view, children, lambda c: c["unread"] == 0)
    # A round that was half seen must not let the build begin before this one is whole.
    api.forget_assets(BUILD)
    _ingest_and_build(api, view, children, api.trigger)


def _ingest_and_build(api: AirflowApi, view: View, children: Children, begin: Callable[[str], str]) -> None:
    """One round of ingests and the build that follows it; `begin` names the run of a DAG to wait for."""
    before = api.latest_run(BUILD)
    runs = {dag: begin(dag) for dag in INGESTS}
    for dag, run in runs.items():
        _wait(api, dag, run, children)
    counts = view.counts()
    view.say(
        f"Pulled {number(counts['shop_customers'])} accounts, {number(counts['shop_orders'])} orders, "
        f"{number(counts['tickets'])} tickets, {number(counts['interactions'])} social interactions; the shop's pages "
        f"have told of {number(counts['web_events'])} events; the gates passed."
    )
    _wait(api, BUILD, _next_run(api, BUILD, before, children), children)
    counts = view.counts()
    view.say(f"{number(counts['profiles'])} profiles are {number(counts['customers'])} people.")


def _plan(api: AirflowApi, marketer: AirflowApi, view: View, children: Children) -> None:
    """Triggers the campaign; where it asks whether it may be sent, the marketer reads the question and says yes."""
    dag = f"campaign_{CAMPAIGN}"
    run = api.trigger(dag)
    children.check()
    # Where Airflow lost an answer, the question is open again.
    while api.wait_question(dag, run, "approve", RUN_SECONDS):
        view.say(
            "Nothing is sent without a yes: the marketer reads mail, audience and checks in Airflow, and approves."
        )
        time.sleep(READING_SECONDS)
        marketer.answer(dag, run, "approve", "Approve", comment="Looks right.")
    _wait(api, dag, run, children)


def _wait(api: AirflowApi, dag: str, run: str, children: Children) -> None:
    """Waits for one run; raises TransientError with the task's own last words when it failed."""
    children.check()
    state = api.wait_run(dag, run, RUN_SECONDS)
    if state != "success":
        words = "; ".join(api.failed_tasks(dag, run)) or "no task failed"
        raise TransientError(f"the run of {dag} ended as {state}: {words}")


def _next_run(api: AirflowApi, dag: str, before: str | None, children: Children) -> str:
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        children.check()
        latest = api.latest_run(dag)
        if latest is not None and latest != before:
            return latest
        time.sleep(0.5)
    raise TransientError(f"{dag} did not start on its assets within {RUN_SECONDS:.0f} s")


def _until(view: View, children: Children, done: Callable[[dict[str, int]], bool]) -> None:
    deadline = time.monotonic() + CYCLE_SECONDS
    with Live(view.table(), console=view.console, refresh_per_second=2, transient=True) as live:
        while not done(view.counts()):
            children.check()
            if time.monotonic() > deadline:
                raise TransientError(f"not finished within {CYCLE_SECONDS:.0f} s; counts: {view.last}")
            live.update(view.table())
            time.sleep(0.5)


def _finish_once(world: DemoWorld, view: View) -> int:
    view.console.print(view.table())
    view.console.print(results_table(world.settings))
    found = checks(world.settings, world.settings.home / "sandbox")
    view.console.print(checks_table(found))
    return 0 if all(check.holds for check in found) else 1


def _live_on(world: DemoWorld, launcher: AirflowLauncher, view: View, children: Children) -> int:
    view.console.print(view.table())
    view.console.print(results_table(world.settings))
    say = view.console.print
    say("\nWhere to look (Ctrl-C stops everything; `make demo` goes on where it stopped):")
    say(f"  Airflow           {launcher.url}", highlight=False)
    say(f"                    user {launcher.user}, password {launcher.password}", highlight=False)
    say(f"  mails sent        {world.endpoints['mailbox']['url']}", highlight=False)
    say(f"  gateway           {world.endpoints['gateway']}/healthz", highlight=False)
    say(f"  data docs         {world.settings.home / 'data_docs' / 'index.html'}", highlight=False)
    say('  the warehouse     psql "$(.venv/bin/rapport db url)"', highlight=False)
    say(f"  logs              {world.settings.home / 'logs'}\n", highlight=False)
    world.clock.set_pace(PACE_AT_WORK)
    with Live(view.table(), console=view.console, refresh_per_second=1) as live:
        while True:
            children.check()
            live.update(view.table())
            time.sleep(2)


def _stop_on_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        # A second Ctrl-C must not interrupt the clean-up that the first began.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _stop_everything(
    settings: Settings, children: Children, launcher: AirflowLauncher | None, world: DemoWorld | None
) -> None:
    # Neither Ctrl-C nor a second SIGTERM may interrupt it: processes would stay.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if world is not None:
        # The shop sleeps while nobody looks: the next demo begins at this very minute.
        world.clock.set_pace(0)
    if launcher is not None:
        launcher.stop()
    children.stop()
    EmbeddedPostgres(settings.home).stop()
