"""An aiogram bot that obeys its users. Arguments: the Bot API's address, the bot's token."""

import asyncio
import sys
import time
from pathlib import Path

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, ErrorEvent, InputMediaPhoto, Message

import botwatch

OWNER = 999
dispatcher = Dispatcher()
tasks = set()


@dispatcher.message()
async def obey(message: Message):
    match message.text or message.caption:
        case "silence" | None:
            return None
        case "slow":
            await asyncio.sleep(0.3)
            await message.answer("at last")
        case "twice":
            await message.answer("one")
            await message.answer("two")
        case "photo":
            await message.answer_photo("file-id", caption="look")
        case "album":
            parts = [InputMediaPhoto(media="a", caption="first"), InputMediaPhoto(media="b")]
            await message.answer_media_group(parts)
        case "edit":
            answer = await message.answer("thinking")
            await answer.edit_text("thought")
        case "typing":
            await message.bot.send_chat_action(message.chat.id, "typing")
        case "task":
            task = asyncio.create_task(later(message))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        case "thread":
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(outside, loop, tell(message, "from a thread"))
        case "pool":
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, botwatch.carry(outside), loop, tell(message, "from a pool"))
        case "tell the owner":
            await message.bot.send_message(OWNER, "somebody was here")
        case "fail":
            await fail(message)
        case "crash":
            raise RuntimeError("as the test wants it")
        case "return":
            return message.answer("returned")
        case text if text.startswith("block "):
            block(Path(text.removeprefix("block ")))
        case text:
            await message.answer(f"you said {text}")
    return None


def block(until: Path) -> None:
    while not until.exists():
        time.sleep(0.05)


async def tell(message: Message, text: str) -> None:
    await message.answer(text)


def outside(loop: asyncio.AbstractEventLoop, coroutine) -> None:
    """For a thread: has its event loop do something, and waits for it."""
    asyncio.run_coroutine_threadsafe(coroutine, loop).result()


async def later(message: Message) -> None:
    await asyncio.sleep(0.2)
    await message.answer("from a task")


async def fail(message: Message) -> None:
    try:
        await message.answer("unreachable")
    except TelegramBadRequest:
        await message.answer("reached at last")


@dispatcher.callback_query()
async def pressed(query: CallbackQuery) -> None:
    await query.answer()
    await query.bot.send_message(query.from_user.id, f"you chose {query.data}")


@dispatcher.error()
async def excuse(event: ErrorEvent) -> None:
    await event.update.message.answer("sorry")


async def main(api: str, token: str) -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(api))
    await dispatcher.start_polling(Bot(token, session=session), polling_timeout=1)


if __name__ == "__main__":
    botwatch.start(blocked_s=0.5)
    botwatch.attach(dispatcher)
    asyncio.run(main(sys.argv[1], sys.argv[2]))
