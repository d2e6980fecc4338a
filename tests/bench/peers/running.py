"""Starts the clients in an environment made at the first use, and reads their figures."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integrations.environments import python_with

from botwatch.tokens import checksum

CLIENT = Path(__file__).with_name("client.py")
BODY = "bw_i_" + "b" * 32
TOKEN = BODY + checksum(BODY)
TIMEOUT_S = 120
PACKAGES = (
    "backports.zstd",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-sdk",
    "posthog",
    "prometheus-client",
    "sentry-sdk",
)


def measured(
    name: str, measure: str, url: str, *numbers: int, folder: str | None = None
) -> dict[str, float] | None:
    """None when it did not end."""
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return measured(name, measure, url, *numbers, folder=temporary)
    with client(name, measure, url, folder, *numbers) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return None
    figures: dict[str, float] = json.loads(output.splitlines()[-1])
    return figures


@contextmanager
def client(
    name: str, measure: str, url: str, folder: str, *arguments: int | str
) -> Iterator[subprocess.Popen[str]]:
    """Killed in the end, if it still runs. `folder` is where it keeps what it keeps."""
    with subprocess.Popen(
        [str(python_with(*PACKAGES)), str(CLIENT), name, measure, url, *map(str, arguments)],
        env={**os.environ, "BENCH_TOKEN": TOKEN, "BENCH_SPOOL": f"{folder}/spool"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def versions() -> str:
    names = [name for name in PACKAGES if not name.startswith("backports")]
    program = "import sys, importlib.metadata as m; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    return subprocess.check_output([python_with(*PACKAGES), "-c", program, *names], text=True).strip()
