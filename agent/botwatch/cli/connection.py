"""Where the collector is and which token to show it, from the command line or the environment."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botwatch.config import checked_url, token_from_file
from botwatch.tokens import is_well_formed

from .terminal import CommandError

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT_S = 10.0
USAGE_STATUS = 2


@dataclass(frozen=True, slots=True)
class Connection:
    """A collector's address, without a slash at its end, and a token for it."""

    url: str
    token: str = field(repr=False)

    @property
    def auth(self) -> requests.auth.AuthBase:
        """For `requests`, which would let a .netrc entry replace a plain header."""
        from botwatch.transport import BearerToken

        return BearerToken(self.token)


def add_arguments(parser: argparse.ArgumentParser, scope: str) -> None:
    group = parser.add_argument_group("collector")
    group.add_argument("--url", help="the collector's address (default: BOTWATCH_URL)")
    group.add_argument(
        "--token", help=f"{scope} token (default: BOTWATCH_TOKEN, or the file that BOTWATCH_TOKEN_FILE names)"
    )


def connection(args: argparse.Namespace) -> Connection:
    """The collector to talk to; CommandError or ConfigurationError names what is missing or wrong."""
    return Connection(checked_url(args.url or os.environ.get("BOTWATCH_URL")), _token(args.token))


def refusal(response: requests.Response) -> str:
    """What the collector said, in one sentence."""
    try:
        said = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = response.reason or "no reason given"
    return f"{response.status_code}: {said}"


def _token(given: str | None) -> str:
    token = given or os.environ.get("BOTWATCH_TOKEN") or token_from_file(os.environ)
    if not token:
        raise CommandError(
            "no token: give --token or set BOTWATCH_TOKEN or BOTWATCH_TOKEN_FILE", USAGE_STATUS
        )
    if not is_well_formed(token):
        raise CommandError("token: it is not a whole token, was it cut or mistyped?", USAGE_STATUS)
    return token
