"""A matrix-nio bot that obeys its users. Argument: the address of its homeserver."""

import asyncio
import sys

from nio import AsyncClient, MatrixRoom, RoomMessageText, RoomSendError

import botwatch

OWNERS = "!owners"
client = AsyncClient(sys.argv[1], "@bot:kitchen")
tasks = set()


async def say(room_id: str, text: str, **content):
    words = {"msgtype": "m.text", "body": text, **content}
    return await client.room_send(room_id, "m.room.message", words)


async def edit(room_id: str) -> None:
    said = await say(room_id, "thinking")
    new = {"msgtype": "m.text", "body": "thought"}
    relation = {"rel_type": "m.replace", "event_id": said.event_id}
    await say(room_id, "* thought", **{"m.new_content": new, "m.relates_to": relation})


async def later(room_id: str) -> None:
    await asyncio.sleep(0.2)
    await say(room_id, "from a task")


async def obey(room: MatrixRoom, event: RoomMessageText) -> None:
    if event.sender == client.user_id:
        return
    match event.body:
        case "silence":
            return
        case "slow":
            await asyncio.sleep(0.3)
            await say(room.room_id, "at last")
        case "twice":
            await say(room.room_id, "one")
            await say(room.room_id, "two")
        case "edit":
            await edit(room.room_id)
        case "react":
            content = {"m.relates_to": {"rel_type": "m.annotation", "event_id": event.event_id, "key": "+"}}
            await client.room_send(room.room_id, "m.reaction", content)
        case "task":
            task = asyncio.create_task(later(room.room_id))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        case "tell the owners":
            await say(OWNERS, "somebody was here")
        case "fail":
            answer = await say(room.room_id, "unreachable")
            assert isinstance(answer, RoomSendError)
            await say(room.room_id, "reached at last")
        case "crash":
            raise RuntimeError("as the test wants it")
        case text:
            await say(room.room_id, f"you said {text}")


def obey_at_once(room: MatrixRoom, event: RoomMessageText) -> None:
    """Handled as bots do that serve many: each message in a task of its own."""
    if event.body in ("slow", "quick"):
        task = asyncio.create_task(obey(room, event))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def obey_in_turn(room: MatrixRoom, event: RoomMessageText) -> None:
    if event.body not in ("slow", "quick"):
        await obey(room, event)


async def main() -> None:
    client.access_token = "token-of-no-bot"
    client.user_id = "@bot:kitchen"
    client.add_event_callback(obey_at_once, RoomMessageText)
    botwatch.start(linger_s=0.1)
    botwatch.attach(client)
    botwatch.attach(client)
    client.add_event_callback(obey_in_turn, RoomMessageText)
    try:
        while True:
            try:
                await client.sync_forever(timeout=1000)
            except RuntimeError as error:
                print("a callback failed:", error)
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main())
