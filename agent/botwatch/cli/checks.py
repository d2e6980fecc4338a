"""What `botwatch doctor` looks at, one function a question, each answered with what to do about it."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botwatch.config import spool_candidates

from .connection import CONNECT_TIMEOUT_S, Connection, refusal

_LEAST_FREE_BYTES = 64 << 20
_SKEW_WARN_MS = 2000
_CERTIFICATE_WARN_DAYS = 14
_DAY_S = 86_400
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Finding:
    """`level` is ok, warn or fail; `advice` says what to do, empty when nothing is to be done."""

    level: str
    said: str
    advice: str = ""


@dataclass(slots=True)
class Patient:
    """What is examined, and what earlier checks learned for later ones."""

    collector: Connection
    spool: str | None
    scope: str = ""
    skew_ms: float | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.collector.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.collector.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_secure(self) -> bool:
        return self.collector.url.startswith("https:")

    @property
    def proxy(self) -> str | None:
        """The proxy that the environment puts between us and the collector."""
        from requests.utils import get_environ_proxies

        proxies: dict[str, str] = get_environ_proxies(self.collector.url)
        return proxies.get("https" if self.is_secure else "http") or proxies.get("all")


def configuration(patient: Patient) -> Finding:
    said = f"{patient.collector.url}, token {patient.collector.token[:9]}..."
    if patient.is_secure or patient.host in _LOCAL:
        return Finding("ok", said)
    return Finding("warn", said, "the token travels unencrypted: use https, or a network you trust")


def spool(patient: Patient) -> Finding:
    """The first place where the agent could keep its queue, as the agent itself would choose it."""
    failure = ""
    for candidate in spool_candidates(patient.spool or os.environ.get("BOTWATCH_SPOOL"), "", os.environ):
        place = Path(candidate)
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=place) as probe:
                probe.write(b"botwatch")
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            failure = failure or str(error)
            continue
        return _space(place, failure)
    return Finding("fail", failure, "make it writable, or name another directory in BOTWATCH_SPOOL")


def _space(place: Path, failure: str) -> Finding:
    free = shutil.disk_usage(place).free
    said = f"{place} is writable, {free >> 20} MiB free{_waiting(place)}"
    if failure:
        return Finding("warn", said, f"the first choice is not: {failure}")
    if free < _LEAST_FREE_BYTES:
        return Finding("warn", said, "a long outage needs up to 64 MiB: free some space")
    return Finding("ok", said)


def _waiting(place: Path) -> str:
    """What dead processes of any bot left there; the next start of that bot sends it."""
    from botwatch.losses import Losses
    from botwatch.spool.backlog import Backlog
    from botwatch.spool.directory import adopt_directory

    events = 0
    for path in place.glob("*/*/lock"):
        if (directory := adopt_directory(str(path.parent))) is not None:
            backlog = Backlog(directory, directory.origin, Losses())
            backlog.load()
            events += backlog.queued().events
            directory.close()
    return f", {events:,} events of ended processes wait for the bot's next start" if events else ""


def address(patient: Patient) -> Finding:
    if patient.proxy:
        return Finding("ok", f"by the proxy {urlsplit(patient.proxy).hostname}, which is trusted to find it")
    started = time.monotonic()
    try:
        with socket.create_connection((patient.host, patient.port), CONNECT_TIMEOUT_S) as connected:
            peer = connected.getpeername()[0]
    except socket.gaierror as error:
        return Finding("fail", f"{patient.host}: {error.strerror}", "is the name right? is there a network?")
    except OSError as error:
        advice = "is the collector running, on this port? does a firewall stand between?"
        return Finding("fail", f"{patient.host}:{patient.port}: {error.strerror or error}", advice)
    elapsed_ms = (time.monotonic() - started) * 1000
    return Finding("ok", f"{patient.host}:{patient.port} ({peer}) answers in {elapsed_ms:.0f} ms")


def encryption(patient: Patient) -> Finding | None:
    if not patient.is_secure or patient.proxy:
        return None
    context = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE") or _certifi())
    try:
        with (
            socket.create_connection((patient.host, patient.port), CONNECT_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=patient.host) as secured,
        ):
            return _certificate(secured.getpeercert() or {}, secured.version() or "TLS")
    except ssl.SSLCertVerificationError as error:
        advice = "for an authority of your own, name its file in REQUESTS_CA_BUNDLE"
        return Finding("fail", f"certificate refused: {error.verify_message}", advice)
    except OSError as error:
        return Finding("fail", f"no TLS on port {patient.port}: {error}", "is it http instead of https?")


def _certifi() -> str:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return str(DEFAULT_CA_BUNDLE_PATH)


def _certificate(certificate: dict[str, Any], version: str) -> Finding:
    ends_at = ssl.cert_time_to_seconds(certificate["notAfter"])
    said = f"{version}, certificate valid until {datetime.fromtimestamp(ends_at, UTC):%Y-%m-%d}"
    if ends_at - time.time() < _CERTIFICATE_WARN_DAYS * _DAY_S:
        return Finding("warn", said, "renew the certificate soon")
    return Finding("ok", said)


def token(patient: Patient) -> Finding:
    import requests

    before = time.time()
    try:
        response = requests.get(
            f"{patient.collector.url}/api/whoami",
            auth=patient.collector.auth,
            allow_redirects=False,
            timeout=CONNECT_TIMEOUT_S,
        )
    except requests.RequestException as error:
        return Finding("fail", f"no answer: {error}", "is a collector, and nothing else, at this address?")
    middle_ms = (before + time.time()) / 2 * 1000
    if response.status_code in (401, 403):
        return Finding("fail", refusal(response), "make a new one: botwatch-collector bot add NAME")
    return _known(patient, response, middle_ms)


def _known(patient: Patient, response: Any, middle_ms: float) -> Finding:
    try:
        known = response.json()
        patient.scope, patient.skew_ms = known["scope"], known["time"] - middle_ms
        whose = f"bot {known['bot']}" if known["bot"] else "all bots"
    except (ValueError, KeyError, TypeError):
        said = f"{patient.collector.url}/api/whoami answers {response.status_code}, not as a collector"
        return Finding("fail", said, "is the address right, without a path behind it?")
    if patient.scope == "ingest":
        return Finding("ok", f"may send, for {whose}")
    if patient.scope == "ping":
        return Finding("warn", f"may ping, for {whose}", "enough for a job; a bot needs an ingest token")
    return Finding("warn", f"may read, of {whose}", "enough for botwatch tail; a bot needs an ingest token")


def clock(patient: Patient) -> Finding:
    skew_ms = patient.skew_ms or 0.0
    ahead = "behind" if skew_ms > 0 else "ahead of"
    said = f"{abs(skew_ms) / 1000:.1f} s {ahead} the collector's"
    if abs(skew_ms) > _SKEW_WARN_MS:
        return Finding("warn", said, "set it by NTP here or there: messages appear at wrong times")
    return Finding("ok", said)


CHECKS: tuple[tuple[str, Callable[[Patient], Finding | None]], ...] = (
    ("configuration", configuration),
    ("spool", spool),
    ("address", address),
    ("encryption", encryption),
    ("token", token),
    ("clock", clock),
)
