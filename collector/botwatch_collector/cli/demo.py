"""`botwatch-collector demo`."""

import click


@click.command()
@click.option(
    "--listen", metavar="HOST:PORT", help="Where to listen; by default a free port of this machine."
)
@click.option("--days", default=30, show_default=True, help="Days of history to fill in.")
@click.option("--users", default=400, show_default=True, help="How many people talk with the bot.")
@click.option("--keep", is_flag=True, help="Leave its data and logs when it ends.")
@click.pass_context
def demo(ctx: click.Context, listen: str | None, days: int, users: int, keep: bool) -> None:
    """Run a collector and a bot with simulated users, in a temporary folder, until Ctrl-C."""
    from ..demo import run

    ctx.exit(run(listen, days, users, keep))
