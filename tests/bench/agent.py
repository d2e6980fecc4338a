"""What the agent costs a bot and what arrives, beside the libraries that others embed for it.

Each figure comes from a process of its own that runs the same code for every library against the same HTTP
server. Times are the best of a few runs, because whatever else the machine does only adds to them. All of it
takes about half an hour; `./dev bench agent calls outages` runs two parts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..integrations.environments import python_with
from .peers.outages import SCENARIOS, outcomes
from .peers.running import PACKAGES, measured, versions
from .peers.sink import Sink

OURS = "botwatch"
SHIPPING = ("sentry-metrics", "sentry-logs", "opentelemetry", "posthog")
"""Those that send the text."""
PEERS = (*SHIPPING, "prometheus")
"""Prometheus only counts."""
DEAD = "http://127.0.0.1:9"
MODULES = {
    OURS: "botwatch",
    "sentry": "sentry_sdk",
    "opentelemetry": "opentelemetry.sdk._logs.export",
    "posthog": "posthog",
    "prometheus": "prometheus_client",
    "asyncio": "asyncio",
}


def row(name: str, *cells: str) -> None:
    print(f"{name:28}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


def number(figures: dict[str, float] | None, key: str, form: str = "{:.2f}") -> str:
    return form.format(figures[key]) if figures else "did not end"


def best_of(runs: int, name: str, measure: str, *numbers: int, mode: str = "ok") -> dict[str, float] | None:
    """The least of each figure; None when a run did not end."""
    found = []
    for _ in range(runs):
        with Sink() as sink:
            sink.become(mode)
            figures = measured(name, measure, sink.url, *numbers)
        if figures is None:
            return None
        if calls := figures.pop("calls", 0):
            figures["delivered"] = 100 * sink.texts / calls
        found.append(figures)
    return {key: min(figures[key] for figures in found) for key in found[0]}


def start_up() -> None:
    row("import, best of 10", "ms")
    program = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
    for name, module in MODULES.items():
        command = [python_with(*PACKAGES), "-c", program.format(module)]
        best = min(float(subprocess.check_output(command)) for _ in range(10))
        row(name, f"{best * 1000:.1f}")


def calls() -> None:
    row("call at full speed, us", "p50", "p99", "mean", "max", "delivered %")
    found = {}
    for name in ("nothing", OURS, "sentry-messages", *PEERS):
        found[name] = figures = best_of(3, name, "calls")
        row(name, *(number(figures, key) for key in ("p50", "p99", "mean", "max", "delivered")))
    for key in ("p50", "mean"):
        compare(f"{key} of a call", {name: figures and figures[key] for name, figures in found.items()})
    print()


def compare(what: str, found: dict[str, float | None]) -> None:
    peers = {name: value for name in SHIPPING if (value := found.get(name))}
    cheapest = min(peers, key=lambda name: peers[name])
    ours = found[OURS] or 0.0
    print(f"{what}: {peers[cheapest] / ours:.1f} times below {cheapest}, the cheapest that sends the text")


def rates() -> None:
    for per_second, seconds, runs in ((1000, 5, 3), (17, 20, 2)):
        row(f"call at {per_second:,}/s, us", "p50", "p99", "max", "CPU %")
        for name in ("nothing", OURS, *PEERS):
            figures = best_of(runs, name, "rate", per_second, seconds)
            row(name, *(number(figures, key) for key in ("p50", "p99", "max", "cpu")))
        print()


def delivery() -> None:
    row("per 100,000 delivered", "CPU s", "delivered")
    found = {}
    for name in (OURS, *SHIPPING):
        events = 100_000 if name == OURS else 20_000
        with Sink() as sink:
            figures = measured(name, "delivery", sink.url, events)
            delivered = sink.texts
        found[name] = figures and figures["cpu_s"] * 100_000 / max(1, delivered)
        row(name, f"{found[name]:.3f}" if found[name] else "did not end", f"{100 * delivered / events:.1f} %")
    compare("CPU", found)
    print()


def memory() -> None:
    """For 20 s; ours at 20,000 a second, which is more than the spool may hold."""
    row("memory, collector down, MB", "at rest", "growth", "disk MiB")
    for name in (OURS, *PEERS):
        with tempfile.TemporaryDirectory() as folder:
            figures = measured(name, "memory", DEAD, 20_000 if name == OURS else 1000, 20, folder=folder)
            disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        row(name, number(figures, "rest"), number(figures, "growth"), f"{disk / 2**20:.1f}")
    print()


def stopping() -> None:
    row("end, collector down", "seconds")
    for name in (OURS, *SHIPPING):
        row(name, number(measured(name, "stop", DEAD, 5000), "stop_s"))
    print()


def lag() -> None:
    row("loop lag, replies after 2 s", "p99 ms", "added ms")
    for name in (OURS, *PEERS):
        figures = best_of(3, name, "lag", 8, mode="slow")
        row(name, number(figures, "p99_ms"), number(figures, "added_ms"))
    print()


def outages() -> None:
    names = (OURS, "sentry-logs", "opentelemetry", "posthog")
    row("delivered at 1,000/s", *names)
    for scenario in SCENARIOS:
        found = outcomes(scenario, names)
        row(scenario, *(f"{100 * one.delivered / one.accepted:.2f} %" for one in found))
        if any(one.twice for one in found):
            row("  of them twice", *(str(one.twice) for one in found))
        row("  end took", *("killed" if one.seconds is None else f"{one.seconds:.1f} s" for one in found))


PARTS: dict[str, Callable[[], None]] = {
    part.__name__: part for part in (start_up, calls, rates, delivery, memory, stopping, lag, outages)
}


def main() -> None:
    print(f"beside {versions()}\n")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
