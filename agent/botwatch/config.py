"""The agent's settings, read once at start from arguments and environment into one frozen object.

Whatever is wrong raises ConfigurationError, naming the setting: a bot that is silently not watched is worse
than one that does not start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

from .errors import ConfigurationError
from .privacy import Privacy, checked_privacy, rules_from
from .tokens import is_ingest, is_well_formed

MIB = 1 << 20
DAY_S = 86_400.0
SEGMENT_BYTES = MIB
TRUTH = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}

# Setting -> least and greatest value that makes sense.
RANGES: dict[str, tuple[float, float]] = {
    "linger_s": (0.01, 60),
    "batch_events": (1, 5000),
    "batch_bytes": (1024, 8 * MIB),
    "spool_max_bytes": (256 * 1024, 1 << 40),
    "spool_max_age_s": (1, 10 * 365 * DAY_S),
    "heartbeat_s": (0.1, 3600),
    "sample_s": (0.1, 3600),
    "timeout_s": (0.1, 300),
    "retry_s": (0.01, 30),
    "adopt_s": (0.1, 3600),
    "blocked_s": (0.1, DAY_S),
    "hanging_s": (0.1, DAY_S),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    url: str
    token: str = field(repr=False)
    bot: str | None
    version: str | None
    spool_dirs: tuple[str, ...]
    privacy: Privacy
    linger_s: float
    batch_events: int
    batch_bytes: int
    spool_max_bytes: int
    spool_max_age_s: float
    heartbeat_s: float
    sample_s: float
    timeout_s: float
    retry_s: float
    adopt_s: float
    blocked_s: float
    hanging_s: float

    @property
    def segment_bytes(self) -> int:
        """Small enough that dropping one segment never empties a small spool."""
        return min(SEGMENT_BYTES, self.spool_max_bytes // 8)


def is_enabled(enabled: bool | None, environ: Mapping[str, str] = os.environ) -> bool:
    if enabled is not None:
        return bool(enabled)
    value = environ.get("BOTWATCH_ENABLED", "1").strip().lower()
    if value not in TRUTH:
        raise wrong("enabled", "BOTWATCH_ENABLED", f"expected true or false, got {value!r}")
    return TRUTH[value]


def knows_collector(url: str | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether anything says where the collector is."""
    return bool(url or environ.get("BOTWATCH_URL"))


def read_config(
    *,
    url: str | None,
    token: str | None,
    bot: str | None,
    version: str | None,
    spool_dir: str | os.PathLike[str] | None,
    numbers: Mapping[str, float],
    privacy: Mapping[str, str] | None = None,
    privacy_key: str | bytes | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Arguments win over the environment. `numbers` has a value for every setting of RANGES."""
    address = checked_url(url or environ.get("BOTWATCH_URL"))
    secret = checked_token(token or environ.get("BOTWATCH_TOKEN") or token_from_file(environ))
    name = checked_name("bot", bot or environ.get("BOTWATCH_BOT") or None)
    for setting, value in numbers.items():
        check_range(setting, value)
    # A bot keeps its spool when its token changes, where its name is known.
    identity = sha256(f"{address}\0{name or secret}".encode()).hexdigest()[:16]
    return Config(
        url=address,
        token=secret,
        bot=name,
        version=checked_name("version", version),
        spool_dirs=spool_candidates(spool_dir or environ.get("BOTWATCH_SPOOL") or None, identity, environ),
        privacy=read_privacy(privacy, privacy_key, environ),
        **numbers,  # type: ignore[arg-type]
    )


def checked_url(url: str | None) -> str:
    if not url:
        raise wrong("url", "BOTWATCH_URL", "it is missing; expected the collector's address, https://...")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError, TypeError):
        usable = False
    if not usable or any(character.isspace() for character in url):
        raise wrong("url", "BOTWATCH_URL", f"expected http(s)://host[:port], got {url!r}")
    if parts.query or parts.fragment:
        raise wrong("url", "BOTWATCH_URL", f"expected no query or fragment, got {url!r}")
    return url.rstrip("/").removesuffix("/api/events")


def token_from_file(environ: Mapping[str, str]) -> str | None:
    return secret_from_file("token", environ, "BOTWATCH_TOKEN_FILE")


def secret_from_file(setting: str, environ: Mapping[str, str], variable: str) -> str | None:
    path = environ.get(variable)
    if not path:
        return None
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(setting, variable, f"can't be read: {error}") from None


def read_privacy(
    rules: Mapping[str, str] | None, key: str | bytes | None, environ: Mapping[str, str]
) -> Privacy:
    """An argument replaces its variable as a whole: of two policies for one field, one would be forgotten."""
    secret = (
        key
        or environ.get("BOTWATCH_PRIVACY_KEY")
        or secret_from_file("privacy_key", environ, "BOTWATCH_PRIVACY_KEY_FILE")
    )
    try:
        return checked_privacy(
            rules_from(environ.get("BOTWATCH_PRIVACY", "")) if rules is None else rules, secret
        )
    except ValueError as error:
        raise wrong("privacy", "BOTWATCH_PRIVACY", str(error)) from None


def checked_token(token: str | None) -> str:
    """The message never holds the token: it ends up in logs."""
    if not token:
        raise wrong("token", "BOTWATCH_TOKEN", "it is missing; `botwatch-collector bot add NAME` prints one")
    if not isinstance(token, str) or not is_well_formed(token):
        raise wrong("token", "BOTWATCH_TOKEN", "it is not a whole token, was it cut or mistyped?")
    if not is_ingest(token):
        kind = "read token" if token.startswith("bw_r_") else "ping key"
        raise wrong("token", "BOTWATCH_TOKEN", f"it is a {kind}, a bot needs an ingest token (bw_i_...)")
    return token


def checked_name(setting: str, name: str | None) -> str | None:
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= 200 and name.isprintable()):
        raise wrong(
            setting, f"BOTWATCH_{setting.upper()}", f"expected up to 200 printable characters, got {name!r}"
        )
    return name


def check_range(setting: str, value: object) -> None:
    least, greatest = RANGES[setting]
    whole = setting.endswith(("_bytes", "_events"))
    is_number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not is_number or not least <= value <= greatest:  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        raise wrong(setting, None, f"expected {kind} from {least:g} to {greatest:g}, got {value!r}")


def spool_candidates(
    spool_dir: str | os.PathLike[str] | None, identity: str, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Where the spool may be, best first. A named directory is the only candidate."""
    if spool_dir is not None:
        named = os.path.abspath(os.fspath(spool_dir))  # noqa: PTH100  (a bot may change its directory later)
        if os.path.exists(named) and not os.path.isdir(named):  # noqa: PTH110, PTH112
            raise wrong("spool_dir", "BOTWATCH_SPOOL", f"{named} is not a directory")
        return (f"{named}/{identity}",)
    home = os.path.expanduser("~")  # noqa: PTH111
    state = environ.get("XDG_STATE_HOME") or f"{home}/.local/state"
    user = os.getuid() if hasattr(os, "getuid") else 0
    temporary = f"{environ.get('TMPDIR') or '/tmp'}/botwatch-{user}"  # noqa: S108  (owner is checked on use)
    return (f"{state}/botwatch/{identity}", f"{temporary}/{identity}")


def wrong(setting: str, variable: str | None, problem: str) -> ConfigurationError:
    name = f"{setting} ({variable})" if variable else setting
    return ConfigurationError(f"{name}: {problem}")
