"""How fast the pages are, for the server and in a browser: `python -m tests.bench.pages [--messages N]`.

Over the made-up messages of the benchmark `queries`. Prints for each page the time of the server (the first,
p50, p95 and its ratio to that of the login page in the same run), when a real browser shows it first and when
all of it is there, what moved meanwhile, and what it loads. `--live MINUTES` leaves Monitoring open while
1,000 messages a minute come.
"""

import argparse
import gzip
import re
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from botwatch_collector import clock, db, message_index, migrations

from ..collector.server import Server
from ..web.browsers import DESKTOP, browser
from ..web.talk import Bot
from . import queries
from ._history import fill

USER, PASSWORD = "alice", "correct horse battery staple"
FLOOR = "/login"
PAGES = (
    "/monitoring",
    "/monitoring/health",
    "/monitoring/users",
    "/analytics?range=1h",
    "/analytics?range=24h",
    "/analytics?range=7d",
    "/analytics",
    "/analytics?range=90d",
    "/analytics?range=1y",
    "/search?q=user-000",
    "/search?q=User",
    "/messages",
    "/messages?q=question",
    "/messages?q=question&direction=out",
    "/messages?user=user-00000",
    "/messages/5000",
    "/users/user-00000",
    "/users/user-00000?range=1y",
    "/users/user-00100?range=1y",
    "/settings/tokens",
    "/first-run",
    "/prometheus",
    "/api/docs",
)
SHOWN = (
    "/monitoring",
    "/analytics",
    "/analytics?range=1y",
    "/messages",
    "/users/user-00000",
    "/search?q=user-000",
    "/api/docs",
)
PER_MINUTE, AT_ONCE = 1_000, 10

# When every chart is drawn; a page without one is there with its last script.
ALL_THERE = """() => new Promise((tell) => {
  const look = () => {
    const charts = [...document.querySelectorAll(".chart")].filter((chart) => chart.checkVisibility());
    const drawn = charts.every((chart) => chart.querySelector("canvas"));
    if (document.readyState === "complete" && drawn) tell(performance.now());
    else requestAnimationFrame(look);
  };
  look();
})"""
FIRST_PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime"""
SHIFT = """() => new Promise((tell) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => tell(sum), 500);
})"""
LOADED = """() => performance.getEntriesByType("resource").map((one) => one.name)"""


def main() -> None:
    options = argparse.ArgumentParser(prog="pages", description=(__doc__ or "").splitlines()[0])
    options.add_argument("--messages", type=int, default=1_000_000)
    options.add_argument(
        "--database", default="sqlite", help="a URL, or sqlite or postgresql for one of its own"
    )
    options.add_argument("--keep", type=Path, help="a folder where that one stays")
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--live", type=float, default=0, metavar="MINUTES")
    given = options.parse_args()
    with queries.database(given.database, given.keep) as url:
        filled(url, given.messages)
        account = {"BOTWATCH_ADMIN_USER": USER, "BOTWATCH_ADMIN_PASSWORD": PASSWORD}
        with Server(url, account) as server:
            session = logged_in(server.url)
            serve(session, server.url, given.rounds)
            with browser() as launched:
                show(launched, session, server.url)
                if given.live:
                    live(launched, session, server, given.live)


def filled(url: str, messages: int) -> None:
    db.connect(url)
    with db.connected():
        migrations.bring_up_to_date()
        fill(messages, clock.now())
        message_index.catch_up()
    db.database.close_all()


def logged_in(url: str) -> requests.Session:
    session = requests.Session()
    form = session.get(f"{url}/login", timeout=30).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', form)
    assert token is not None
    fields = {"csrf_token": token[1], "username": USER, "password": PASSWORD}
    session.post(f"{url}/login", fields, timeout=30).raise_for_status()
    return session


def serve(session: requests.Session, url: str, rounds: int) -> None:
    """One request after the other, the pages by turns, so that a busy moment of the machine meets all."""
    anyone = requests.Session()
    took: dict[str, list[float]] = {path: [] for path in (FLOOR, *PAGES)}
    size: dict[str, int] = {}
    first: dict[str, float] = {}
    for turn in range(rounds + 1):
        for path, times in took.items():
            started = time.perf_counter()
            reply = (anyone if path == FLOOR else session).get(url + path, timeout=60)
            elapsed = 1_000 * (time.perf_counter() - started)
            reply.raise_for_status()
            size[path] = len(reply.content)
            # The first round warms up.
            if turn:
                times.append(elapsed)
            else:
                first[path] = elapsed
    floor = p95(took[FLOOR])
    print(f"{'page':24} {'first':>8} {'p50':>8} {'p95':>8}   of the login page")
    for path, times in took.items():
        told = f"{first[path]:5.1f} ms {p50(times):5.1f} ms {p95(times):5.1f} ms   {p95(times) / floor:5.1f}"
        print(f"{path:24} {told}   {size[path] / 1024:6.1f} KB of HTML", flush=True)


def show(launched: Browser, session: requests.Session, url: str) -> None:
    """Each page in a browser that has nothing of it yet."""
    print(f"\n{'in a browser':24} {'first':>8} {'all':>8}   moved, scripts")
    for path in SHOWN:
        context = signed_in(launched, session, url)
        page = context.new_page()
        page.goto(url + path)
        there, painted, moved = page.evaluate(ALL_THERE), page.evaluate(FIRST_PAINT), page.evaluate(SHIFT)
        scripts = script_bytes(session, page.evaluate(LOADED))
        told = f"{painted:5.0f} ms {there:5.0f} ms   {moved:.4f}, {scripts / 1024:.1f} KB"
        print(f"{path:24} {told}", flush=True)
        context.close()


def script_bytes(session: requests.Session, addresses: list[str]) -> int:
    """Of all scripts among them, compressed."""
    scripts = {one for one in addresses if urlsplit(one).path.endswith(".js")}
    return sum(len(gzip.compress(session.get(one, timeout=30).content)) for one in scripts)


def live(launched: Browser, session: requests.Session, server: Server, minutes: float) -> None:
    """Monitoring stays open while messages come; what its tab holds at the start and at the end."""
    token = server.command("token", "add", "--scope", "ingest", "--bot", "bench")
    bot = Bot(server.url, "bench", token)
    context = signed_in(launched, session, server.url)
    page = context.new_page()
    page.goto(f"{server.url}/monitoring")
    expect(page.locator("#live-state")).to_have_text("Live")
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable")
    # By then the feed holds as many messages as it ever will.
    talk(page, bot, 0.6)
    before = held(devtools)
    sent = talk(page, bot, minutes)
    expect(page.locator(".feed-list > li").first).to_contain_text(f"message {sent - 1} ")
    after = held(devtools)
    print(f"\n{sent:,} messages in {minutes:g} minutes, all through one open tab")
    for name, unit in (("JSHeapUsedSize", 1 << 20), ("Nodes", 1)):
        print(f"{name:16} {before[name] / unit:8.1f} at the start, {after[name] / unit:8.1f} at the end")
    context.close()


def talk(page: Page, bot: Bot, minutes: float) -> int:
    """Sends from a thread, while the page goes on; how many."""
    count = round(minutes * PER_MINUTE)
    sender = threading.Thread(target=send, args=(bot, count))
    sender.start()
    while sender.is_alive():
        page.wait_for_timeout(200)
    sender.join()
    return count


def send(bot: Bot, count: int) -> None:
    started = time.monotonic()
    for first in range(0, count, AT_ONCE):
        due = started + first * 60 / PER_MINUTE
        time.sleep(max(0.0, due - time.monotonic()))
        bot.hear(*(f"message {number} of a busy minute" for number in range(first, first + AT_ONCE)))


def held(devtools: CDPSession) -> dict[str, float]:
    devtools.send("HeapProfiler.collectGarbage")
    metrics: list[dict[str, Any]] = devtools.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in metrics}


def signed_in(launched: Browser, session: requests.Session, url: str) -> BrowserContext:
    context = launched.new_context(viewport=DESKTOP)
    for cookie in session.cookies:
        context.add_cookies([{"name": cookie.name, "value": cookie.value or "", "url": url}])
    return context


def p50(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


def p95(times: list[float]) -> float:
    return sorted(times)[max(0, round(0.95 * len(times)) - 1)]


if __name__ == "__main__":
    main()
