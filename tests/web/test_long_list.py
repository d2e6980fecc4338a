"""The list of messages with a hundred thousand of them: few are in the page, and all can be reached."""

import time

import pytest
from playwright.sync_api import Page

from ..collector.server import Server
from .browsers import until
from .conftest import new_bot
from .talk import Bot, event

MANY = 100_000
AT_ONCE = 5_000

# Scrolls down until so many rows have been there, and tells the most rows that were in the page at once.
SCROLL = """async (wanted) => {
  const log = document.getElementById("messages-log");
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  let most = 0;
  for (;;) {
    const row = log.querySelector(".message:last-child");
    most = Math.max(most, log.querySelectorAll(".message").length);
    if (Number(row?.dataset.index) >= wanted - 1) return most;
    log.scrollTop = log.scrollHeight;
    await frame();
  }
}"""
HALF_WAY = """(many) => {
  const rows = [...document.querySelectorAll("#messages-log .message")];
  return rows.length > 5 && rows.every((row) => Math.abs(row.dataset.index / many - 0.5) < 0.2);
}"""
# Texts by their place in the list.
ROWS = """() => Object.fromEntries([...document.querySelectorAll("#messages-log .message")].map(
  (row) => [row.dataset.index, row.querySelector("[data-slot=text]").innerText.split("\\n")[0]]))"""


@pytest.fixture(scope="module")
def full(server: Server) -> Bot:
    """A bot whose messages say their place in the list; some are of several lines."""
    bot = new_bot(server)
    now = time.time_ns() // 1_000_000
    told = {"direction": "in", "user_id": "u1", "user_name": "Alice"}
    for first in range(0, MANY, AT_ONCE):
        bot.post(
            *(
                event("message", text=f"{place}" + "\n." * (place % 4), **told) | {"ts": now - place * 100}
                for place in range(first, first + AT_ONCE)
            )
        )
    return bot


def heap(page: Page) -> int:
    """Bytes of the page's JavaScript that are still in use."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return int(session.send("Runtime.getHeapUsage")["usedSize"])


def rows(page: Page) -> dict[int, int]:
    return {int(index): int(text) for index, text in page.evaluate(ROWS).items()}


def test_hundred_thousand_rows_are_scrolled_through_with_few_in_the_page(page: Page, full: Bot) -> None:
    page.goto(f"{full.url}/messages?bot={full.name}")
    until(page, "() => document.querySelector('#messages-log [data-index]')")
    assert page.evaluate(SCROLL, 10_000) < 60
    early = heap(page)
    assert page.evaluate(SCROLL, MANY) < 60
    assert heap(page) - early < 12_000_000
    assert rows(page)[MANY - 1] == MANY - 1

    # Half-way up again, where the rows had been given back.
    log = page.locator("#messages-log")
    log.evaluate("log => log.scrollTop = log.scrollHeight / 2")
    until(page, HALF_WAY, MANY)
    assert all(index == text for index, text in rows(page).items())
    log.evaluate("log => log.scrollTop = 0")
    until(page, "() => document.querySelector('#messages-log [data-index=\"0\"]')")
    assert rows(page)[0] == 0
