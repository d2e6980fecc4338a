"""Data of a collector of the first schema, in SQL that both databases take."""

BOT = 1
DAY, HOUR, MINUTE = 1_788_912_000_000, 1_788_951_600_000, 1_788_953_940_000  # 9 September 2026, 11:39 UTC
WEEK, MONTH = 1_788_739_200_000, 1_788_220_800_000

ROWS = {
    "setting": ("name, value", [("secret_key", "00ff")]),
    "bot": ("id, name, created_at", [(BOT, "shop", 5), (2, "news", 6)]),
    "token": (
        "id, scope, bot_id, hint, hash, created_at",
        [(1, "ingest", BOT, "abcd", "h1", 5), (2, "read", None, "efgh", "h2", 5)],
    ),
    "account": ("id, username, password_hash, role, created_at", [(1, "alice", "x", "admin", 5)]),
    "login": ("id, account_id, hash, created_at, expires_at", [(1, 1, "h", 5, 9)]),
    "instance": (
        "id, bot_id, name, last_seq, first_seen_at, last_seen_at",
        [(1, BOT, "one", 5, MINUTE, MINUTE + 9)],
    ),
    "event_id": ("bot_id, id, received_at", [(BOT, "mine", MINUTE + 9)]),
    "message": (
        "id, bot_id, instance_id, occurred_at, received_at, direction, user_id, user_name, text, "
        "response_ms, event_id, attributes",
        [
            (1, BOT, 1, MINUTE, MINUTE + 9, "in", "ann", "Ann", "hello", None, "mine", '{"city":"Köln"}'),
            (2, BOT, 1, MINUTE + 1, MINUTE + 9, "out", "ann", None, "hi", 0, None, None),
            (3, BOT, 1, MINUTE + 2, MINUTE + 9, "in", None, None, None, None, None, None),
        ],
    ),
    "sample": (
        "id, bot_id, instance_id, occurred_at, received_at, cpu_percent, memory_bytes",
        [(4, BOT, 1, MINUTE, MINUTE + 9, 12.5, 1_000)],
    ),
    "heartbeat": (
        "id, bot_id, instance_id, occurred_at, received_at, interval_s, stopping, details",
        [(5, BOT, 1, MINUTE, MINUTE + 9, 15.0, True, '{"version":"1"}')],
    ),
    "bot_user": (
        "bot_id, user_id, user_name, named_at, first_at, last_at",
        [(BOT, "ann", "Ann", MINUTE, MINUTE, MINUTE)],
    ),
    **{
        f"message_{name}": (
            "bot_id, at, messages_in, messages_out, response_count, response_sum_ms, wait_count, wait_sum_ms",
            [(BOT, at, 2, 1, 1, 0, 0, 0)],
        )
        for name, at in (("minute", MINUTE), ("hour", HOUR), ("day", DAY))
    },
    **{
        f"response_{name}": ("bot_id, at, measure, bucket, times", [(BOT, at, 0, -1, 1)])
        for name, at in (("minute", MINUTE), ("hour", HOUR), ("day", DAY), ("ever", 0))
    },
    **{
        f"user_{name}": (
            "bot_id, at, user_id, messages, first_at, last_at",
            [(BOT, at, "ann", 1, MINUTE, MINUTE)],
        )
        for name, at in (("hour", HOUR), ("day", DAY), ("week", WEEK), ("month", MONTH))
    },
    "collector_counter": (
        "name, labels, value",
        [("botwatch_ingest_events_total", '{"kind": "message"}', 3.0)],
    ),
}
LAST_ID = 5
