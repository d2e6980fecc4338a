"""What a bot says of its users' presence: kept as privacy asks, and never an error to the bot."""

from collections.abc import Callable

import pytest

from botwatch import Agent

from .collector_double import CollectorDouble

Start = Callable[..., Agent]
KEY = "a key that only this bot knows"


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_policies_of_messages_hold_for_presence(start: Start, collector: CollectorDouble) -> None:
    agent = start(privacy={"user_id": "hash", "user_name": "drop", "text": "mask"}, privacy_key=KEY)
    agent.message(user_id="42", text="hello")
    agent.presence(user_id="42", user_name="Alice", message="at lunch")
    agent.flush(30)

    (message,), (presence,) = collector.events("message"), collector.events("presence")
    assert presence["user_id"] == message["user_id"] != "42"
    assert presence["message"] == "** *****"
    assert "user_name" not in presence


def test_secrets_leave_a_status_message_and_a_page(start: Start, collector: CollectorDouble) -> None:
    agent = start()
    agent.presence(user_id="42", message="password: hunter2", page="/login?api_key=0123abcd")
    agent.flush(30)

    assert "hunter2" not in repr(collector.stored)
    assert "0123abcd" not in repr(collector.stored)


def test_no_presence_is_kept_where_users_are_dropped(start: Start, collector: CollectorDouble) -> None:
    agent = start(privacy={"user_id": "drop"})
    agent.presence(user_id="42", status="online")
    agent.message(user_id="42", text="hello")
    agent.flush(30)

    assert collector.events("presence") == []
    assert agent.stats()["losses"] == {}


def test_long_message_is_cut_to_a_hundred_characters(start: Start, collector: CollectorDouble) -> None:
    agent = start()
    agent.presence(user_id=42, status="away", message="x" * 500)
    agent.flush(30)

    (sent,) = collector.events("presence")
    assert (sent["user_id"], sent["message"]) == ("42", "x" * 100)


def test_empty_text_is_sent_to_clear_the_message(start: Start, collector: CollectorDouble) -> None:
    agent = start()
    agent.presence(user_id="42", message="", page="")
    agent.flush(30)

    (sent,) = collector.events("presence")
    assert (sent["message"], sent["page"]) == ("", "")


@pytest.mark.parametrize("field", ["status", "typing", "show_status"])
def test_field_that_cannot_be_is_left_out_and_counted(
    field: str, start: Start, collector: CollectorDouble
) -> None:
    agent = start()
    agent.presence(user_id="42", **{field: "sleeping"})
    agent.flush(30)

    assert field not in collector.events("presence")[0]
    assert agent.stats()["losses"] == {"invalid_field": 1}


@pytest.mark.parametrize("user_id", [None, "", Unspeakable()])
def test_presence_of_nobody_is_dropped_and_counted(
    user_id: object, start: Start, collector: CollectorDouble
) -> None:
    agent = start()
    agent.presence(user_id=user_id, status="online")
    agent.flush(30)

    assert collector.events("presence") == []
    assert agent.stats()["losses"] == {"invalid": 1}


def test_presence_before_the_start_is_counted() -> None:
    agent = Agent()
    agent.presence(user_id="42", status="online")

    assert agent.stats()["losses"] == {"not_started": 1}
