"""Finding messages: exactly those that a plain filter over all of them would, page by page."""

import random
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from botwatch_collector import message_index, messages, models
from botwatch_collector.analytics.window import LATEST, Window
from botwatch_collector.clock import DAY
from botwatch_collector.errors import InvalidParameter, NotFound
from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import Batch, Header, Message
from botwatch_collector.messages import Filters, MessageRow, Place, walk

from .streams import add_bots

NOW = 1_790_000_000_000
EVER = Window(0, LATEST)
WORDS = ("ja", "nein", "Köln", "kolner", "hello", "help", "Привет", "été", "42", "ok")
USERS = ("ann", "ANN", "u-1", "u 1", "'\"\\@%_*", "", None)
CHANNELS = ("shop", "#shop", "ann", None)


@pytest.fixture
def bots(database: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr(message_index.parts, "FULL", 100)
    return add_bots("one", "two", "three")


def some(rng: random.Random, count: int) -> list[Message]:
    """Of different times, some at the very same moment, many late, one ahead by years."""
    moments = (NOW, NOW - 7, NOW - DAY, NOW - rng.randrange(DAY), NOW - 400 * DAY, NOW + 900 * DAY)
    return [
        Message(
            ts=rng.choice(moments),
            seq=number + 1,
            direction=rng.choice(("in", "out")),
            text=rng.choice((None, " ".join(rng.choices(WORDS, k=rng.randrange(6))), "one-two,three")),
            user_id=rng.choice(USERS),
            channel=rng.choice(CHANNELS),
        )
        for number in range(count)
    ]


def put(bot: int, events: Sequence[Message], instance: str = "one") -> None:
    store([Incoming(bot, Batch(Header(v=1, instance=instance), list(events)), NOW)])


def fill(seed: int, bots: Sequence[int], count: int = 120) -> None:
    rng = random.Random(seed)
    for bot in bots:
        sent = some(rng, count)
        for start in range(0, count, 30):
            put(bot, sent[start : start + 30])
            if rng.random() < 0.2:
                message_index.take_tail()


def everything() -> list[Any]:
    rows = models.Message.select().order_by(models.Message.occurred_at.desc(), models.Message.id.desc())
    return list(rows)


def plain(text: str) -> list[str]:
    """The words of a text, as a person would count them."""
    bare = "".join(sign for sign in unicodedata.normalize("NFD", text) if not "\u0300" <= sign <= "\u036f")
    return re.findall(r"\w+", unicodedata.normalize("NFC", bare).lower())


def ids(found: Sequence[MessageRow]) -> list[int]:
    return [row.id for row in found]


def walked(bots: Sequence[int], window: Window, filters: Filters, limit: int) -> list[int]:
    """All pages from the newest to the oldest, which the pages back have to repeat."""
    pages = [messages.page(bots, window, filters, limit)]
    while pages[-1].older:
        before = Place.read(pages[-1].older, "before")
        pages.append(messages.page(bots, window, filters, limit, before=before))
    forth = [ids(page.messages) for page in pages]
    back = [forth[-1]]
    while newer := pages.pop().newer:
        after = Place.read(newer, "after")
        back.insert(0, ids(messages.page(bots, window, filters, limit, after=after).messages))
    assert back == forth
    return [number for page in forth for number in page]


@pytest.mark.parametrize(("seed", "few"), [(0, 0), (1, 30), (2, 10_000)])
def test_pages_are_what_a_plain_filter_finds(
    bots: list[int], seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "_FEW", few)
    fill(seed, bots)
    rng, rows = random.Random(seed), everything()
    for _ in range(12):
        start = rng.choice((0, NOW - DAY, NOW - 7))
        window = Window(start, rng.choice((LATEST, NOW, NOW + 1)))
        scope = rng.choice((bots, bots[:1], bots[1:]))
        filters = Filters(
            user=rng.choice((None, None, *USERS)),
            direction=rng.choice((None, "in", "out")),
            channel=rng.choice((None, None, *CHANNELS)),
        )
        expected = [
            row.id
            for row in rows
            if row.bot_id in scope
            and window.start <= row.occurred_at < window.end
            and filters.user in (None, row.user_id)
            and filters.direction in (None, row.direction)
            and filters.channel in (None, row.channel)
        ]
        assert walked(scope, window, filters, rng.choice((7, 50, 1_000))) == expected, filters


QUERIES = {
    "hello": lambda words: "hello" in words,
    "HELLO ja": lambda words: {"hello", "ja"} <= {*words},
    "koln": lambda words: "koln" in words,
    "Kö*": lambda words: any(word.startswith("ko") for word in words),
    "привет": lambda words: "привет" in words,
    "ete -hello": lambda words: "ete" in words and "hello" not in words,
    '"ja nein"': lambda words: follows(words, "ja", "nein"),
    '"ja nein" -"nein ok"': lambda words: follows(words, "ja", "nein") and not follows(words, "nein", "ok"),
    '"ja hel"*': lambda words: any(a == "ja" and b.startswith("hel") for a, b in pairwise(words)),
    "two": lambda words: "two" in words,
    "one-two": lambda words: follows(words, "one", "two"),
    "42": lambda words: "42" in words,
    "nothing": lambda words: False,
    "b1in": lambda words: False,
}  # fmt: skip


def follows(words: list[str], first: str, second: str) -> bool:
    return (first, second) in pairwise(words)


@pytest.mark.parametrize("seed", range(2))
def test_words_find_what_a_plain_filter_finds(bots: list[int], seed: int) -> None:
    fill(seed, bots)
    rows = everything()
    for text, matches in QUERIES.items():
        for direction in (None, "in"):
            filters = Filters(direction=direction, query=messages.parsed(text))
            expected = [
                row.id
                for row in rows
                if matches(plain(row.text or "")) and direction in (None, row.direction)
            ]
            assert walked(bots, EVER, filters, 40) == expected, text


HOSTILE = (
    '"', '""', "'", "*", "-", "--", "( )", "a OR", "OR", "NOT a", "a AND", "NEAR(a b)", "a NEAR/3 b",
    "text : a", "{text} : a", "marks:b1in", "^a", "a^", "a + b", "\\", "a\\", "'; DROP TABLE message; --",
    "%s", "%", "?", ":1", "a:*", "a & | ! b", "<->", "a <-> b", "('a')", "'a' 'b", '"unclosed', 'a"b',
    '-"', '-"a" b', '"a"* b', "**", "a**", "\ud7ff", "\U0010ffff", "\ufeff", "\u200b", "a\u0301", "\u0301",
    "🎉", "م", "漢字", "क्षि", "ﬁ", "İ", "ß", "ǅ", "²", "\x01", "\x7f", "\n", "a\tb", "@b1in", "@", "&&",
    "||", "!!", "!a", "a!", "$$", "a" * 500, "a " * 32,
)  # fmt: skip


@pytest.mark.parametrize("count", [0, 1])
def test_no_text_is_an_error_of_the_database(bots: list[int], count: int) -> None:
    texts = HOSTILE[count::2]
    put(bots[0], [said(number + 1, text=text) for number, text in enumerate(HOSTILE)])
    for text in texts:
        try:
            query = messages.parsed(text)
        except InvalidParameter as error:
            assert error.at == "q"
            assert not any(sign.isalnum() for sign in text)
        else:
            messages.page(bots, EVER, Filters(query=query), 100)


def said(seq: int, **fields: Any) -> Message:
    plainly: dict[str, Any] = {"ts": NOW + seq, "direction": "in", "text": "hello", "user_id": "ann"}
    return Message(seq=seq, **plainly | fields)


def test_conversation_is_what_was_said_around_in_the_channel(bots: list[int]) -> None:
    channels = ("other", "shop")
    put(bots[0], [said(seq, channel=channels[seq % 2], user_id=f"u{seq % 3}") for seq in range(1, 40)])
    put(bots[1], [said(seq, channel="shop") for seq in range(1, 40)])
    middle = 21

    found = messages.conversation(bots, middle, 3)

    assert (found.bot, found.channel, found.user) == ("one", "shop", None)
    assert ids(found.messages) == [27, 25, 23, 21, 19, 17, 15]
    assert found.older is not None and found.newer is not None
    filters = Filters(channel=found.channel)
    older = messages.page(bots[:1], EVER, filters, 100, before=Place.read(found.older, "before"))
    newer = messages.page(bots[:1], EVER, filters, 100, after=Place.read(found.newer, "after"))
    assert ids(older.messages) == [*range(13, 0, -2)]
    assert ids(newer.messages) == [*range(39, 27, -2)]


def test_conversation_without_a_channel_is_with_the_user(bots: list[int]) -> None:
    put(bots[0], [said(seq, user_id=f"u{seq % 2}", direction="out") for seq in range(1, 10)])

    found = messages.conversation(bots, 5, 100)

    assert (found.channel, found.user) == (None, "u1")
    assert ids(found.messages) == [9, 7, 5, 3, 1]
    assert (found.older, found.newer) == (None, None)


def test_message_of_nobody_stands_alone(bots: list[int]) -> None:
    put(bots[0], [said(seq, user_id=None) for seq in range(1, 4)])

    assert ids(messages.conversation(bots, 2, 100).messages) == [2]


def test_conversation_of_another_bot_is_not_there(bots: list[int]) -> None:
    put(bots[0], [said(1)])

    with pytest.raises(NotFound):
        messages.conversation(bots[1:], 1, 10)


def test_page_goes_on_where_it_was_while_messages_come(bots: list[int]) -> None:
    put(bots[0], [said(seq) for seq in range(1, 10)])
    first = messages.page(bots, EVER, Filters(user="ann"), 4)
    put(bots[0], [said(seq, ts=NOW + seq % 12) for seq in range(10, 20)])

    second = messages.page(bots, EVER, Filters(user="ann"), 4, before=Place.read(first.older or "", "before"))

    assert ids(first.messages) == [9, 8, 7, 6]
    assert [row.timestamp for row in second.messages] == sorted(
        (row.timestamp for row in second.messages), reverse=True
    )
    assert ids(second.messages)[-1] <= 5 and len(second.messages) == 4


def test_empty_page_leads_back(bots: list[int]) -> None:
    put(bots[0], [said(1)])
    at = NOW + 1

    nothing_older = messages.page(bots, EVER, Filters(), 5, before=Place(at, 1))
    nothing_newer = messages.page(bots, EVER, Filters(), 5, after=Place(at, 1))

    assert nothing_older.messages == nothing_newer.messages == []
    assert nothing_older.older is nothing_newer.newer is None
    after = Place.read(nothing_older.newer or "", "after")
    before = Place.read(nothing_newer.older or "", "before")
    assert ids(messages.page(bots, EVER, Filters(), 5, after=after).messages) == [1]
    assert ids(messages.page(bots, EVER, Filters(), 5, before=before).messages) == [1]
