"""The waits between tries."""

import random

from botwatch.backoff import LONGEST_S, SHORTEST_S, Backoff


def test_seeded_generator_of_the_bot_is_left_alone() -> None:
    random.seed(7)
    before = random.getstate()
    Backoff(1.0).failed()
    assert random.getstate() == before


def test_waits_grow_to_the_longest_and_start_again() -> None:
    backoff = Backoff(1.0)
    waits = [backoff.failed() for _ in range(200)]
    assert min(waits) >= SHORTEST_S
    assert max(waits[:3]) <= 4.0
    assert 4.0 < max(waits) <= LONGEST_S
    backoff.succeeded()
    assert backoff.failed() <= 1.0


def test_never_shorter_than_asked() -> None:
    assert Backoff(1.0).failed(retry_after_s=20.0) > 20.0
