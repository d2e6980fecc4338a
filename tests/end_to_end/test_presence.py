"""A user's presence from the bot's call to who watches, through real processes."""

from pathlib import Path
from typing import Any

import requests

import botwatch

from ..collector.server import Server
from ..collector.streams import Stream


def test_presence_reaches_the_stream_and_the_api_until_it_is_hidden(server: Server, tmp_path: Path) -> None:
    token, reader = server.add_bot("shop"), {"Authorization": f"Bearer {server.add_read_token()}"}
    agent = botwatch.Agent().start(server.url, token, spool_dir=tmp_path, linger_s=0.05)
    path = f"{server.url}/api/monitoring/stream?channels=presence"

    def person() -> dict[str, Any]:
        body: dict[str, Any] = requests.get(
            f"{server.url}/api/users/presence/42", headers=reader, timeout=60
        ).json()
        return body

    with requests.get(path, headers=reader, stream=True, timeout=60) as reply:
        read = Stream(reply.iter_content(None))
        assert read.take() == []
        agent.presence(user_id="42", status="busy", message="at lunch", user_name="Ann", typing=True)
        busy, typing = read.next(2)
        seen = person()
        agent.presence(user_id="42", show_status=False)
        (hidden,) = read.next(1)
    agent.stop()

    assert read.events == ["presenceUpdate", "user_typing", "presenceUpdate"]
    assert (busy["online_status"], busy["custom_message"], busy["bot"]) == ("busy", "at lunch", "shop")
    assert typing["typing"]
    assert (seen["online_status"], seen["user_name"]) == ("busy", "Ann")
    assert (hidden["show_status"], hidden["online_status"]) == (False, None)
    assert person()["last_seen"] is None
    with requests.get(f"{path}&last_event_id=0", headers=reader, stream=True, timeout=60) as reply:
        assert Stream(reply.iter_content(None)).next(1) == [hidden]
