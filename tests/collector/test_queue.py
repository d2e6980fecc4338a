"""What bots share: none takes it all, and none waits for another's flood."""

import pytest

from botwatch_collector.errors import Unavailable
from botwatch_collector.ingest.queue import Queue, Waiting
from botwatch_collector.ingest.shares import Shares
from botwatch_collector.ingest.store import Incoming

from .test_store import batch, message

ALICE, BOB, MALLORY = 1, 2, 3


def taken_by(shares: Shares, bot_id: int) -> int:
    """How much the bot gets that takes all it can."""
    count = 0
    while shares.take(bot_id):
        count += 1
    return count


def waiting(bot_id: int, events: int = 1) -> Waiting:
    one = batch(*(message(seq) for seq in range(1, events + 1)))
    return Waiting(Incoming(bot_id, one.batch, one.received_at))


def put(queue: Queue, bot_id: int, batches: int, events: int = 1) -> list[Waiting]:
    made = [waiting(bot_id, events) for _ in range(batches)]
    for one in made:
        queue.put(one)
    return made


def bots_of(group: list[Waiting]) -> list[int]:
    return [one.incoming.bot_id for one in group]


def test_who_comes_next_finds_as_much_as_the_one_before_left() -> None:
    shares = Shares(32)

    assert [taken_by(shares, bot_id) for bot_id in range(6)] == [16, 8, 4, 2, 1, 1]
    assert shares.taken == 32


def test_what_is_given_back_is_there_for_others() -> None:
    shares = Shares(8)
    assert taken_by(shares, MALLORY) == 4
    shares.give_back(MALLORY, 3)

    assert taken_by(shares, ALICE) == 4
    assert taken_by(shares, MALLORY) == 1


def test_bots_take_turns() -> None:
    queue = Queue(1_000)
    put(queue, MALLORY, 4)
    put(queue, ALICE, 1)
    put(queue, BOB, 2)

    assert bots_of(queue.take_group()) == [MALLORY, ALICE, BOB, MALLORY, BOB, MALLORY, MALLORY]


def test_flood_stays_behind_when_a_transaction_is_full() -> None:
    queue = Queue(1_000_000)
    put(queue, MALLORY, 12, events=625)
    put(queue, ALICE, 1)

    assert bots_of(queue.take_group()) == [MALLORY, ALICE, MALLORY, MALLORY, MALLORY]
    put(queue, BOB, 1)
    # The one whose turn is longest ago comes first.
    assert bots_of(queue.take_group()) == [MALLORY, BOB, MALLORY, MALLORY, MALLORY]


def test_what_came_since_is_added_as_far_as_a_transaction_goes() -> None:
    queue = Queue(1_000_000)
    group = put(queue, ALICE, 1, events=625)
    assert queue.take_group() == group
    put(queue, MALLORY, 12, events=625)
    put(queue, BOB, 1)

    assert bots_of(queue.add_to(group)) == [MALLORY, BOB, MALLORY, MALLORY]
    assert bots_of(group) == [ALICE, MALLORY, BOB, MALLORY, MALLORY]
    assert queue.add_to(group) == []


def test_flood_does_not_push_others_out() -> None:
    queue = Queue(100)
    with pytest.raises(Unavailable) as refused:
        put(queue, MALLORY, 1_000, events=10)

    assert refused.value.retry_after_s
    assert queue.events == 50
    put(queue, ALICE, 2, events=10)
    queue.finish(queue.take_group())
    assert queue.events == 0


def test_batches_of_a_bot_keep_their_order() -> None:
    queue = Queue(100)
    made = put(queue, ALICE, 5)

    assert queue.take_group() == made


def test_batch_that_is_given_up_makes_room() -> None:
    queue = Queue(4)
    first, second = put(queue, ALICE, 2)
    queue.give_up(first)

    assert queue.take_group() == [second]
    queue.give_up(second)
    assert queue.events == 1
