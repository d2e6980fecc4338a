"""`botwatch-collector health`: asks a running collector, for scripts and containers."""

import urllib.error
import urllib.request

import click

from ..config import Config, load
from ..errors import Unavailable

_TIMEOUT_S = 5
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses to listen on, not to call


@click.command()
@click.option("--url", metavar="URL", help="The collector's address, if not the one of BOTWATCH_LISTEN.")
def health(url: str | None) -> None:
    """Exit with 0 when the collector is ready, and say what isn't."""
    address = (url or _own_url(load())).rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise click.BadParameter("expected http:// or https://", param_hint="--url")
    try:
        with urllib.request.urlopen(f"{address}/readyz?verbose", timeout=_TIMEOUT_S) as reply:  # noqa: S310
            click.echo(reply.read().decode(), nl=False)
    except urllib.error.HTTPError as error:
        with error:
            click.echo(error.read().decode(errors="replace"), nl=False)
        raise Unavailable(f"{address} is not ready") from None
    except OSError as error:
        raise Unavailable(f"{address} does not answer: {error}") from None


def _own_url(config: Config) -> str:
    host = _ANY.get(config.host, config.host)
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"
