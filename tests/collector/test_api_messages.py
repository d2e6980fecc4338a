"""GET /api/messages over HTTP: what it answers, to whom, and how it refuses."""

from collections.abc import Iterator

import pytest

from botwatch_collector.ingest.store import Incoming, store
from botwatch_collector.ingest.wire import Batch, Header, Message

from .reading import Reading, reading

NOON = 1_767_265_200_000  # 2026-01-01T11:00:00Z


def fill(alice_bot: int, mallory_bot: int) -> None:
    texts = ("hello secret world", "Grüße aus Köln", "hello again")
    for bot, user in ((alice_bot, "secret-user"), (mallory_bot, "mallory-user")):
        events = [
            Message(
                ts=NOON + seq,
                seq=seq + 1,
                direction="in",
                text=text,
                user_id=user,
                channel="shared",
                response_ms=5,
            )
            for seq, text in enumerate(texts if bot == alice_bot else ("hello from mallory",))
        ]
        store([Incoming(bot, Batch(Header(v=1, instance="one"), events), NOON)])


@pytest.fixture(scope="module")
def api(shared_database_url: str) -> Iterator[Reading]:
    with reading(shared_database_url, fill) as opened:
        yield opened


def texts(api: Reading, query: str, token: str | None = None) -> list[str]:
    return [row["message_text"] for row in api.json(f"/api/messages?{query}", token)["messages"]]


def test_messages_are_told_as_the_stream_tells_them(api: Reading) -> None:
    body = api.json("/api/messages?bot=alice-bot&limit=1")

    assert body == {
        "messages": [
            {
                "id": 3,
                "timestamp": "2026-01-01T11:00:00.002Z",
                "bot": "alice-bot",
                "direction": "in",
                "user_id": "secret-user",
                "user_name": None,
                "channel": "shared",
                "message_text": "hello again",
                "response_time": 5,
                "wait_ms": None,
            }
        ],
        "older": f"{NOON + 2}-3",
        "newer": None,
    }


def test_filters_narrow_and_pages_go_both_ways(api: Reading) -> None:
    assert texts(api, "q=hello&user=secret-user") == ["hello again", "hello secret world"]
    assert texts(api, "q=KOLN") == ["Grüße aus Köln"]
    assert texts(api, "q=hello%20-again&channel=shared&bot=alice-bot") == ["hello secret world"]
    assert texts(api, "direction=out") == texts(api, "q=nowhere") == []
    assert texts(api, f"bot=alice-bot&from={NOON + 1}&to={NOON + 2}") == ["Grüße aus Köln"]
    assert texts(api, "bot=alice-bot&to=2026-01-01T12:00&tz=Europe/Berlin") == []

    first = api.json("/api/messages?bot=alice-bot&limit=2")
    second = api.json(f"/api/messages?bot=alice-bot&limit=2&before={first['older']}")
    again = api.json(f"/api/messages?bot=alice-bot&limit=2&after={second['newer']}")
    assert [row["id"] for row in second["messages"]] == [1]
    assert (second["older"], again) == (None, first)


def test_mallory_finds_nothing_of_alices_bot(api: Reading) -> None:
    assert texts(api, "q=hello", api.mallory) == ["hello from mallory"]
    assert texts(api, "q=secret", api.mallory) == texts(api, "user=secret-user", api.mallory) == []
    assert texts(api, "channel=shared", api.mallory) == ["hello from mallory"]
    assert texts(api, f"before={NOON + 9}-9", api.mallory) == ["hello from mallory"]
    assert api.ask("/api/messages/1/conversation", api.mallory).status_code == 404
    around = api.json("/api/messages/4/conversation", api.mallory)["messages"]
    assert [row["id"] for row in around] == [4]
    assert api.client.get("/api/messages/4/conversation").status_code == 401


def test_conversation_is_around_the_message(api: Reading) -> None:
    body = api.json("/api/messages/2/conversation?limit=1")

    assert [row["id"] for row in body.pop("messages")] == [3, 2, 1]
    assert body == {"bot": "alice-bot", "channel": "shared", "user": None, "older": None, "newer": None}
    assert api.ask("/api/messages/99/conversation").status_code == 404


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("direction=up", "direction"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("from=yesterday", "from"),
        ("from=2026-01-02&to=2026-01-01", "from"),
        ("tz=Berlin&from=2026-01-02", "tz"),
        ("before=1", "before"),
        ("after=1-99999999999999999999", "after"),
        ("before=1-1&after=1-1", "after"),
        ("q=%22%22", "q"),
        ("q=-hello", "q"),
        ("q=" + "x" * 501, "q"),
        ("q=" + "x+" * 33, "q"),
        ("q=a%00b", "q"),
        ("user=a%00b", "user"),
    ],
)
def test_bad_parameter_is_named(api: Reading, query: str, at: str) -> None:
    reply = api.ask(f"/api/messages?{query}")

    assert (reply.status_code, (reply.json or {})["error"]["at"]) == (400, at)
