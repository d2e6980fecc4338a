"""Every setting, limit and default of the collector, read once at start from the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .errors import ConfigurationError


@dataclass(frozen=True)
class Limits:
    """What one request may ask for. Bytes are counted before anything is decoded."""

    batch_bytes: int = 1 << 20
    batch_raw_bytes: int = 8 << 20
    batch_events: int = 5_000
    ping_body_bytes: int = 10_000
    pings_per_s: int = 10
    form_bytes: int = 64 << 10
    waiting_events: int = 100_000
    points: int = 100_000
    page_rows: int = 1_000
    ingest_wait_s: float = 20.0
    login_failures_per_username: int = 10
    login_failures_per_address: int = 30
    login_window_ms: int = 15 * 60_000
    login_lifetime_ms: int = 14 * 24 * 3_600_000


@dataclass(frozen=True)
class Keep:
    """For how many days what is kept, counted from when it came here; 0 is for ever.

    Samples are thinned: all of them, then one a minute, then one an hour.
    """

    messages: int = 90
    activities: int = 90
    checks: int = 30
    presence: int = 2
    heartbeats: int = 7
    samples: int = 2
    samples_by_minute: int = 30
    samples_by_hour: int = 730

    def heartbeats_since(self, now: int) -> int:
        """From when on all heartbeats are there."""
        return now - self.heartbeats * 24 * 3_600_000 if self.heartbeats else 0


@dataclass(frozen=True)
class Timeouts:
    """How long a user's presence holds without a sign of life, and how long typing does."""

    away_s: int = 300
    offline_s: int = 900
    typing_s: int = 10


@dataclass(frozen=True)
class Config:
    """The collector's configuration. Build it with `load`, or by hand in tests."""

    database: str
    host: str = "127.0.0.1"
    port: int = 8400
    workers: int = 2
    threads: int = 32
    max_streams: int = 10_000
    max_streams_per_reader: int = 1_000
    rate_limit: int = 0
    slow_query_ms: int = 100
    public_url: str | None = None
    trusted_proxies: int = 0
    admin_user: str | None = None
    admin_password: str | None = field(default=None, repr=False)
    archive: Path | None = None
    debug: bool = False
    keep: Keep = field(default_factory=Keep)
    presence: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)

    @property
    def own_streams(self) -> int:
        """How many streams a worker holds itself, where the streamer can't: each takes a thread."""
        return min(self.max_streams, self.threads // 2)

    @property
    def ingest_threads(self) -> int:
        """How many of a worker's threads may be busy with batches: the others are left to pages."""
        return self.threads - self.threads // 4


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read BOTWATCH_* variables; a secret may also come from the file named by `..._FILE`.

    Raises ConfigurationError naming the variable whose value can't be used.
    """
    env = os.environ if environ is None else environ
    host, port = _address(env.get("BOTWATCH_LISTEN", "127.0.0.1:8400"))
    return Config(
        database=_secret(env, "BOTWATCH_DATABASE") or _default_database(env),
        host=host,
        port=port,
        workers=_number(env, "BOTWATCH_WORKERS", 2, least=1),
        threads=_number(env, "BOTWATCH_THREADS", 32, least=4),
        max_streams=_number(env, "BOTWATCH_MAX_STREAMS", 10_000, least=0),
        max_streams_per_reader=_number(env, "BOTWATCH_MAX_STREAMS_PER_READER", 1_000, least=0),
        rate_limit=_number(env, "BOTWATCH_RATE_LIMIT", 0, least=0),
        slow_query_ms=_number(env, "BOTWATCH_SLOW_QUERY_MS", 100, least=0),
        public_url=_public_url(env.get("BOTWATCH_PUBLIC_URL")),
        trusted_proxies=_number(env, "BOTWATCH_TRUSTED_PROXIES", 0, least=0),
        admin_user=env.get("BOTWATCH_ADMIN_USER") or None,
        admin_password=_secret(env, "BOTWATCH_ADMIN_PASSWORD"),
        archive=Path(env["BOTWATCH_ARCHIVE"]).absolute() if env.get("BOTWATCH_ARCHIVE") else None,
        debug=bool(_number(env, "BOTWATCH_DEBUG", 0, least=0)),
        keep=_keep(env),
        presence=_timeouts(env),
    )


def _keep(env: Mapping[str, str]) -> Keep:
    return Keep(
        messages=_number(env, "BOTWATCH_KEEP_MESSAGES", Keep.messages, least=0),
        activities=_number(env, "BOTWATCH_KEEP_ACTIVITIES", Keep.activities, least=0),
        checks=_number(env, "BOTWATCH_KEEP_CHECKS", Keep.checks, least=0),
        presence=_number(env, "BOTWATCH_KEEP_PRESENCE", Keep.presence, least=0),
        heartbeats=_number(env, "BOTWATCH_KEEP_HEARTBEATS", Keep.heartbeats, least=0),
        samples=_number(env, "BOTWATCH_KEEP_SAMPLES", Keep.samples, least=0),
        samples_by_minute=_number(env, "BOTWATCH_KEEP_SAMPLES_BY_MINUTE", Keep.samples_by_minute, least=0),
        samples_by_hour=_number(env, "BOTWATCH_KEEP_SAMPLES_BY_HOUR", Keep.samples_by_hour, least=0),
    )


def _timeouts(env: Mapping[str, str]) -> Timeouts:
    return Timeouts(
        away_s=_number(env, "BOTWATCH_AWAY_S", Timeouts.away_s, least=1),
        offline_s=_number(env, "BOTWATCH_OFFLINE_S", Timeouts.offline_s, least=1),
        typing_s=_number(env, "BOTWATCH_TYPING_S", Timeouts.typing_s, least=1),
    )


def _number(env: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    return _checked(name, text, int, lambda value: value >= least, f"a whole number, {least} or more")


def _checked(name: str, text: str, read: Callable[[str], int], ok: Callable[[int], bool], wanted: str) -> int:
    try:
        value = read(text)
    except ValueError:
        value = None
    if value is None or not ok(value):
        raise ConfigurationError(f"{name}: expected {wanted}, got {text!r}")
    return value


def _secret(env: Mapping[str, str], name: str) -> str | None:
    if path := env.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except OSError as error:
            raise ConfigurationError(f"{name}_FILE: {error}") from None
    return env.get(name) or None


def _default_database(env: Mapping[str, str]) -> str:
    home = env.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    folder = Path(env.get("BOTWATCH_DATA_DIR") or Path(home) / "botwatch").absolute()
    return f"sqlite:///{folder / 'botwatch.db'}"


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        host, port = "127.0.0.1", text
    number = _checked("BOTWATCH_LISTEN", port, int, lambda value: 0 <= value < 65_536, "HOST:PORT")
    return host.strip("[]") or "0.0.0.0", number  # noqa: S104 - ":8400" means every interface


def _public_url(text: str | None) -> str | None:
    if not text:
        return None
    if urlsplit(text).scheme not in ("http", "https"):
        raise ConfigurationError(f"BOTWATCH_PUBLIC_URL: expected http:// or https://, got {text!r}")
    return text.rstrip("/")
