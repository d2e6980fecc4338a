"""The read API over databases of a test's own: an empty one, and one with tight limits."""

import pytest

from botwatch_collector.config import Limits

from .reading import reading
from .test_api_read import ENDPOINTS, fill


def test_too_many_points_are_refused_and_empty_buckets_are_none(database_url: str) -> None:
    with reading(database_url, fill, Limits(points=50)) as api:
        window = "from=2024-01-01&to=2024-01-05"

        reply = api.ask(f"/api/analytics/timeline?bucket=hour&{window}")

        assert (reply.status_code, reply.json["error"]["at"]) == (400, "bucket")  # type: ignore[index]
        assert api.ask(f"/api/analytics/timeline?bucket=day&{window}").status_code == 200
        assert api.ask("/api/analytics/timeline?bucket=week&from=1970-01-01&to=2024-02-01").status_code == 200


@pytest.mark.parametrize("path", ENDPOINTS)
def test_collector_without_any_message_answers(database_url: str, path: str) -> None:
    with reading(database_url, lambda alice_bot, mallory_bot: None) as api:
        assert api.ask(path).status_code == 200
