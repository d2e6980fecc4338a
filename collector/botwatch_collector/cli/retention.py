"""`botwatch-collector prune`, `forget-user` and `rollup rebuild`: what the jobs don't do by themselves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from .. import clock, counters, db, retention, rollups
from ..access import bots
from ..config import Config, load
from . import database
from .output import say, show_progress, show_table


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count what would leave.")
@click.option(
    "--archive", type=click.Path(path_type=Path), metavar="DIR", help="Where it goes. [BOTWATCH_ARCHIVE]"
)
def prune(dry_run: bool, archive: Path | None) -> None:
    """Remove what is older than BOTWATCH_KEEP_... days, now and to the end.

    The jobs process does the same by itself. Safe while others serve.
    """
    config = load()
    config = replace(config, archive=archive or config.archive)
    with database.opened(config):
        now = clock.now()
        _show(retention.due(config.keep, now) if dry_run else _pruned(config, now))


@click.command()
@click.argument("user_id")
@click.option("--bot", metavar="NAME", help="Of this bot only; without, of all.")
@click.confirmation_option(prompt="This can't be undone. Erase the person?")
def forget_user(user_id: str, bot: str | None) -> None:
    """Erase a person by the id that bots know them by.

    Their messages stay as bare facts, so that counts stay right; nothing of whom or what stays in them.
    """
    with database.opened(load()):
        of = [bots.named(bot)] if bot is not None else bots.listed()
        erased = retention.forget(user_id, [found.id for found in of])
        say("Rewriting the database, so that nothing stays in the free parts of its files.")
        db.compact()
    _show(erased)


@click.group()
def rollup() -> None:
    """The counts that are kept ready."""


@rollup.command()
def rebuild() -> None:
    """Count all of them anew from the stored messages.

    Ingest waits meanwhile, and the agents keep their events. What counts messages that are pruned stays.
    """
    with database.opened(load()):
        counted = rollups.rebuild(lambda done, _: show_progress(f"{done:,} messages counted"))
    say(f"Counted {counted} messages.")


def _pruned(config: Config, now: int) -> Mapping[str, int]:
    removed = Counter(dict.fromkeys((rule.name for rule in retention.RULES), 0))
    for step in retention.prune(config, now):
        removed[step.rule] += step.rows
        show_progress(f"{removed.total():,} rows removed")
    counters.flush()
    return removed


def _show(rows: Mapping[str, int]) -> None:
    show_table(("WHAT", "ROWS"), sorted(rows.items()))
