"""`rapport coupons …`: pools of codes of which each goes to one reader."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings

app = typer.Typer(help="Coupon codes: create, import, list, show.", no_args_is_help=True)

Pool = Annotated[str, typer.Argument(help="The coupon's name, as campaign.yml has it.")]


@app.command("import")
def import_codes(
    name: Pool, file: Annotated[Path, typer.Argument(help="CSV with a column code, and ends_at where they end.")]
) -> None:
    """Add a file's codes to a pool. Bad rows are told by line and left out; importing twice adds nothing."""
    from rapport.campaigns.offers import coupons
    from rapport.db import connect

    settings = get_settings()
    with connect("engine", settings=settings) as conn:
        report = coupons.import_codes(conn, name, file, get_clock(settings).now())
    typer.echo(str(report))
    if report.faults:
        raise typer.Exit(1)


@app.command()
def create(
    name: Pool,
    count: Annotated[int, typer.Option(help="So many codes, 100,000 at most.")],
    percent: Annotated[str | None, typer.Option(help="Off the whole order: 10 is a tenth.")] = None,
    amount: Annotated[str | None, typer.Option(help="Off the whole order, instead of --percent.")] = None,
    currency: Annotated[str | None, typer.Option(help="Of --amount: the shop's own, such as GBP.")] = None,
    title: Annotated[str, typer.Option(help="What the store calls the discount; by default the pool's name.")] = "",
    ends_in: Annotated[str | None, typer.Option(help="The store refuses them after that: 30d, 36h.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Check and say what would be made; make nothing.")] = False,
) -> None:
    """Make codes in the store, each good for one order, for a pool. If it breaks off, the same command finishes it."""
    from rapport.campaigns.offers import coupon_creation
    from rapport.db import connect
    from rapport.sources.shopify.client import ShopifyClient

    settings = get_settings()
    asked = coupon_creation.terms(
        coupon=name, count=count, title=title or name, percent=percent, amount=amount, currency=currency,
        ends_in=ends_in,
    )  # fmt: skip
    client = ShopifyClient(settings)
    with connect("engine", autocommit=True, settings=settings) as conn:
        if dry_run:
            coupon_creation.check(conn, client, asked)
            going_on = coupon_creation.unfinished(conn, name) is not None
            typer.echo(f"{name}: would {'finish' if going_on else 'make'} {asked}")
            return
        made = coupon_creation.create(conn, client, asked, get_clock(settings).now())
    typer.echo(str(made))
    if made.refused:
        raise typer.Exit(1)


@app.command("list")
def list_pools() -> None:
    """Every pool with what is free, ended and handed out."""
    from rapport.campaigns.offers import coupons
    from rapport.db import connect

    settings = get_settings()
    with connect("engine", settings=settings) as conn:
        pools = coupons.pools(conn, get_clock(settings).now())
    for pool in pools:
        typer.echo(f"{pool.coupon:24} {pool.free:>10,} free {pool.ended:>8,} ended {pool.sent:>10,} handed out")
    if not pools:
        typer.echo("there are no codes; rapport coupons create or import adds some")


@app.command()
def show(name: Pool, most: Annotated[int, typer.Option(help="So many of the newest.")] = 20) -> None:
    """The codes that went out last, by their last characters, where they went, and how many were redeemed."""
    from rapport.campaigns.offers import coupons
    from rapport.db import connect

    with connect("engine", settings=get_settings()) as conn:
        rows = coupons.bound(conn, name, most)
        redeemed = coupons.redeemed(conn, name)
    for row in rows:
        until: datetime = row["expires_at"]
        where = f"{row['campaign_id'] or '(removed)'} {row['occurrence_key'] or ''}"
        typer.echo(
            f"{row['code']:8} {where:48} {row['state'] or '':12} {row['customer_id'] or '':24} until {until:%Y-%m-%d}"
        )
    if not rows:
        typer.echo(f"no code of {name} has gone out")
    if redeemed is not None:
        typer.echo(f"{name}: {redeemed}")
