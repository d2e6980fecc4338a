"""What a bot sends, posted as any program in any language would."""

import itertools
import json
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

_numbers = itertools.count(1)


@dataclass
class Bot:
    """A bot at a collector, with its ingest token."""

    url: str
    name: str
    token: str = field(repr=False)
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)

    def post(self, *events: dict[str, Any]) -> None:
        header = {"v": 1, "instance": self.instance, "host": "host-1", "pid": 42, "agent": "test/1"}
        lines = [json.dumps(line) for line in (header, *events)]
        request = urllib.request.Request(
            f"{self.url}/api/events",
            "\n".join(lines).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            assert reply.status == 200

    def beat(self, **more: Any) -> None:
        self.post(event("heartbeat", **{"interval_s": 15.0, "uptime_s": 60.0} | more))

    def hear(self, *texts: str, user_id: str = "u1", user_name: str = "Alice", **more: Any) -> None:
        """Messages from a user, in one batch."""
        told = {"direction": "in", "user_id": user_id, "user_name": user_name, **more}
        self.post(*(event("message", text=text, **told) for text in texts))

    def say(self, text: str, response_ms: int = 120, user_id: str = "u1", user_name: str = "Alice") -> None:
        self.post(
            event(
                "message",
                direction="out",
                text=text,
                user_id=user_id,
                user_name=user_name,
                response_ms=response_ms,
                wait_ms=response_ms + 30,
            )
        )

    def fail(self, action: str = "LookupError", **details: Any) -> None:
        """An error that a handler let out."""
        place = {"place": "/srv/shop/bot.py:17", "stack": ["/srv/shop/bot.py:9 in order"]}
        told = {"category": "error", "severity": "error", "status": "failure", "entity_id": "shop.bot:order"}
        self.post(event("activity", action=action, details=place | details, **told))

    def hang(self, status: str, blocked_ms: int, since: int, place: str = "/srv/shop/bot.py:21") -> None:
        """An event loop that stands still, or did."""
        details = {"since": since, "place": place, "stack": [f"{place} in nap"]}
        told = {"category": "performance", "severity": "warning", "entity_type": "event_loop"}
        self.post(
            event(
                "activity", action="blocked", status=status, duration_ms=blocked_ms, details=details, **told
            )
        )


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """An event of now."""
    return {"kind": kind, "ts": time.time_ns() // 1_000_000, "seq": next(_numbers), **fields}
