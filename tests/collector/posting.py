"""Posts messages to a running collector, as a client of the API would."""

import json
from typing import Any

import requests

from botwatch_collector import clock


def post(url: str, token: str, first: int, count: int, *, instance: str = "writer") -> None:
    """Messages whose text is their seq; raises for every answer but 200."""
    lines: list[dict[str, Any]] = [{"v": 1, "instance": instance}]
    lines += [
        {
            "kind": "message",
            "ts": clock.now(),
            "seq": seq,
            "direction": "in",
            "user_id": "u",
            "text": str(seq),
        }
        for seq in range(first, first + count)
    ]
    requests.post(
        f"{url}/api/events",
        data="\n".join(map(json.dumps, lines)),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"},
        timeout=30,
    ).raise_for_status()


def post_until_answered(url: str, token: str, first: int, count: int, *, instance: str = "writer") -> None:
    """As an agent does it: what was not acknowledged is sent again."""
    while True:
        try:
            return post(url, token, first, count, instance=instance)
        except requests.RequestException:
            continue
