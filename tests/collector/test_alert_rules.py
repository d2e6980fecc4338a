"""When a condition becomes an incident, and when it is over: no flapping, and silence is no alarm."""

from collections.abc import Sequence

import pytest

from botwatch_collector.alerts.rules import RULES, SEVERITIES
from botwatch_collector.alerts.state import OK, Limits, State, Watch, next_watch
from botwatch_collector.clock import SECOND

LIMITS = Limits(above=9, clear_below=4, fires_after_s=30, clears_after_s=60)
BAD, BETWEEN, GOOD, UNKNOWN = 10, 7, 3, None


def states(
    values: Sequence[float | None], limits: Limits = LIMITS, watch: Watch = OK, every_s: int = 10
) -> list[State]:
    """What becomes of a watch by a reading every ten seconds."""
    found = []
    for place, value in enumerate(values):
        watch = next_watch(watch, value, limits, place * every_s * SECOND)
        found.append(watch.state)
    return found


def test_condition_has_to_hold_for_its_time() -> None:
    assert states([BAD] * 4) == ["pending", "pending", "pending", "firing"]


def test_condition_that_ends_before_its_time_is_nothing() -> None:
    assert states([BAD, BAD, GOOD, BAD, BAD, BAD]) == [
        "pending",
        "pending",
        "ok",
        "pending",
        "pending",
        "pending",
    ]


def test_condition_without_a_time_is_an_incident_at_once() -> None:
    assert states([BAD], Limits(fires_after_s=0)) == ["firing"]


@pytest.mark.parametrize("value", [BETWEEN, UNKNOWN])
def test_what_is_neither_or_not_known_begins_nothing(value: float | None) -> None:
    assert states([value] * 9) == ["ok"] * 9
    assert states([BAD, BAD, value, BAD, BAD]) == ["pending", "pending", "ok", "pending", "pending"]


@pytest.mark.parametrize("value", [BETWEEN, UNKNOWN])
def test_what_is_neither_or_not_known_ends_nothing(value: float | None) -> None:
    assert states([value] * 9, watch=Watch("firing", 0)) == ["firing"] * 9
    assert states([GOOD, value, GOOD], watch=Watch("firing", 0)) == ["clearing", "firing", "clearing"]


def test_it_is_over_once_all_was_well_for_its_time() -> None:
    assert states([GOOD] * 7, watch=Watch("firing", 0)) == ["clearing"] * 6 + ["ok"]


def test_going_to_and_fro_at_the_limit_is_one_incident() -> None:
    values = [BAD] * 4 + [GOOD, BAD] * 20

    assert "ok" not in states(values)
    assert states(values).count("firing") == 21


def test_incident_resolved_by_hand_begins_anew_only_after_its_end() -> None:
    dismissed = Watch("dismissed", 0)

    assert states([BAD] * 9, watch=dismissed) == ["dismissed"] * 9
    assert states([BAD, GOOD, BAD, BAD, BAD, BAD], watch=dismissed)[-1] == "firing"


def test_watch_tells_since_when_it_stands_so() -> None:
    watch = next_watch(OK, BAD, LIMITS, 5)

    assert watch == next_watch(watch, BAD, LIMITS, 6) == Watch("pending", 5)


def test_rules_are_told_apart_and_leave_room_between_their_limits() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.limits.clear_below <= rule.limits.above for rule in RULES)
    assert {rule.severity for rule in RULES} <= set(SEVERITIES)
