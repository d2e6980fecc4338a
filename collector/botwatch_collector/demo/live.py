"""The demo bot's present: simulated users write, several at a time, and the real agent sees it answer."""

import asyncio
import time
from random import Random

from botwatch import Agent

from .conversations import Turn, conversation
from .people import Crowd, Person
from .rhythm import activity

AT_LEAST_TALKING = 5
BETWEEN_CONVERSATIONS_S = 40


async def talk(agent: Agent, crowd: Crowd, random: Random) -> None:
    """Hold conversations until cancelled; a few people always talk, so that there is something to see."""
    agent.watch_loop(asyncio.get_running_loop())
    talking: set[Person] = set()
    async with asyncio.TaskGroup() as conversations:
        while True:
            person = _somebody_awake(crowd, random)
            if person not in talking:
                conversations.create_task(_converse(agent, person, talking, random))
            is_lively = len(talking) >= AT_LEAST_TALKING
            pause_s = random.expovariate(1 / BETWEEN_CONVERSATIONS_S) if is_lively else random.uniform(1, 3)
            await asyncio.sleep(pause_s)


def _somebody_awake(crowd: Crowd, random: Random) -> Person:
    now_ms = time.time_ns() // 1_000_000
    spoken = crowd.spoken()
    (language,) = random.choices(spoken, [one.share * activity(one, now_ms) for one in spoken])
    return crowd.somebody(language, random)


async def _converse(agent: Agent, person: Person, talking: set[Person], random: Random) -> None:
    talking.add(person)
    for turn in conversation(person, random):
        await _answer(agent, turn)
        await asyncio.sleep(turn.pause_s)
    talking.discard(person)


async def _answer(agent: Agent, turn: Turn) -> None:
    person = turn.person
    sent_at = time.time_ns() // 1_000_000
    await asyncio.sleep(turn.delivery_ms / 1000)
    async with agent.respond(
        user_id=person.user_id,
        user_name=person.name,
        channel=person.channel,
        text=turn.text,
        sent_at=sent_at,
        attributes={"language": person.language.code},
    ) as response:
        await asyncio.sleep(turn.response_ms / 1000)
        response.reply(turn.reply, user_name=person.name)
