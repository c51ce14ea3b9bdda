"""`rapport deliver …`: send, reconcile, look, stop, slow down, call back."""

import getpass
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from rapport.clock import get_clock
from rapport.errors import PermanentError
from rapport.settings import get_settings

app = typer.Typer(help="Sending: run, reconcile, status, stop, rates, warm-up.", no_args_is_help=True)
Who = Annotated[str, typer.Option(help="Who decides, for the record; left out: the user of this machine.")]
Because = Annotated[str, typer.Option(help="Why; it is kept and shown.")]


@app.command()
def run(
    seconds: Annotated[
        float | None, typer.Option(help="Stop after so many seconds; left out: when nothing is due.")
    ] = None,
) -> None:
    """Send what is due."""
    from rapport.delivery import run_dispatcher

    settings = get_settings()
    typer.echo(run_dispatcher(settings, get_clock(settings), seconds=seconds, until_idle=seconds is None))


@app.command()
def reconcile() -> None:
    """Read the provider's events, settle what is unknown."""
    from rapport.delivery import reconcile_once

    settings = get_settings()
    typer.echo(reconcile_once(settings, get_clock(settings)))


@app.command()
def status() -> None:
    """States by campaign, and what stands against sending."""
    from rapport.delivery.status import status as read_status

    settings = get_settings()
    typer.echo(read_status(settings, get_clock(settings)))


@app.command()
def metrics(
    port: Annotated[
        int | None, typer.Option(help="Serve them at this port until stopped; left out: print once.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """The ledger's figures for Prometheus."""
    from rapport.delivery import metrics as ledger_metrics

    settings = get_settings()
    clock = get_clock(settings)
    if port is None:
        typer.echo(ledger_metrics.text(settings, clock), nl=False)
        return
    from prometheus_client import start_http_server

    _, thread = start_http_server(port, host, ledger_metrics.registry(settings, clock))
    typer.echo(f"http://{host}:{port}/metrics")
    thread.join()


@app.command()
def stop() -> None:
    """Kill switch: nothing leaves from now on, by any worker; says what was under way."""
    from rapport.delivery import controls

    typer.echo(controls.stop(get_settings()))
    typer.echo("`rapport deliver resume` lifts it")


@app.command()
def resume(campaign: Annotated[str | None, typer.Argument(help="One paused campaign.")] = None) -> None:
    """Lift the kill switch, or let one paused campaign go on."""
    from rapport.delivery import controls

    if campaign:
        controls.resume_campaign(get_settings(), campaign)
        typer.echo(f"{campaign} goes on")
    else:
        controls.resume(get_settings())
        typer.echo("sending goes on")


@app.command()
def pause(campaign: Annotated[str, typer.Argument(help="Its name.")], because: Because = "by hand") -> None:
    """Let nothing of one campaign leave; what is due waits until it expires."""
    from rapport.delivery import controls

    controls.pause_campaign(get_settings(), campaign, because)
    typer.echo(f"{campaign} is paused; `rapport deliver resume {campaign}` lets it go on")


@app.command()
def cancel(
    campaign: Annotated[str, typer.Argument(help="Its name.")],
    occurrence: Annotated[str | None, typer.Option(help="One occurrence, by its key; left out: all.")] = None,
    because: Because = "by hand",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Call back what has not left yet. It cannot be undone."""
    from rapport.delivery import controls

    what = f"{campaign} {occurrence}" if occurrence else f"all of {campaign}"
    if not yes:
        typer.confirm(f"Call back {what}? It cannot be undone.", abort=True)
    typer.echo(f"{controls.cancel(get_settings(), campaign, occurrence, because)} messages called back")


@app.command()
def rate(
    per_hour: Annotated[float | None, typer.Argument(help="Messages an hour; left out: no limit.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Of one campaign.")] = None,
    mailbox: Annotated[str | None, typer.Option(help="To one mailbox provider: gmail, outlook, yahoo, rest.")] = None,
) -> None:
    """Limit how fast mail leaves: altogether, of one campaign, or to one mailbox provider."""
    from rapport.delivery import controls

    if campaign and mailbox:
        raise PermanentError("a limit is for one campaign or for one mailbox provider; give one of the two")
    settings = get_settings()
    if campaign:
        controls.set_rate(settings, "campaign", campaign, per_hour)
    elif mailbox:
        controls.set_rate(settings, "mailbox", mailbox, per_hour)
    else:
        controls.set_rate(settings, "all", "*", per_hour)
    typer.echo("no limit" if per_hour is None else f"at most {per_hour:,.0f} messages an hour")


@app.command("warm-up")
def warm_up(
    domain: Annotated[str, typer.Argument(help="The sending domain.")],
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; left out: today.")] = None,
    ramp: Annotated[str | None, typer.Option(help="Messages a day, such as '50 100 200'; left out: doubling.")] = None,
    off: Annotated[bool, typer.Option("--off", help="End the warm-up.")] = False,
) -> None:
    """Let a new sending domain grow day by day."""
    from rapport.delivery import controls

    settings = get_settings()
    if off:
        controls.clear_warm_up(settings, domain)
        typer.echo(f"{domain} has no daily limit")
        return
    try:
        limits = [int(word) for word in ramp.replace(",", " ").split()] if ramp else list(controls.RAMP)
    except ValueError:
        raise PermanentError(f"--ramp {ramp!r}: whole numbers with spaces between them, such as '50 100 200'") from None
    today: date = get_clock(settings).now().astimezone(ZoneInfo(settings.shop_time_zone)).date()
    first = start.date() if start else today
    controls.set_warm_up(settings, domain, first, limits)
    typer.echo(f"{domain}: {', '.join(f'{limit:,}' for limit in limits)} a day from {first}, then no limit")


@app.command()
def reset(
    campaign: Annotated[str | None, typer.Argument(help="One campaign; left out: all marketing.")] = None,
    who: Who = "",
) -> None:
    """A breaker has tripped and the cause is gone: what came in before counts no more."""
    from rapport.delivery import breaker

    lifted = breaker.reset(get_settings(), _who(who), campaign)
    what = campaign or "marketing"
    typer.echo(f"{what} goes on" if lifted else f"{what} was not stopped by a breaker; it is judged anew from now on")


@app.command()
def adopt(
    who: Who = "",
    force: Annotated[
        bool, typer.Option("--force", help="Though some rows are still in doubt; they are not sent.")
    ] = False,
) -> None:
    """Take a restored database into use, once what left is accounted for."""
    from rapport.delivery import restore

    settings = get_settings()
    found = restore.adopt(settings, get_clock(settings), _who(who), force=force)
    typer.echo(f"adopted; sending goes on ({found})")


def _who(given: str) -> str:
    return given or getpass.getuser()
