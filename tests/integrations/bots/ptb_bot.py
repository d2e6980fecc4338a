"""A python-telegram-bot bot that obeys its users. Arguments: the Bot API's address, the bot's token."""

import asyncio
import sys
import time
from pathlib import Path

from telegram import InputMediaPhoto, Update
from telegram.error import BadRequest
from telegram.ext import Application, CallbackQueryHandler, ContextTypes, MessageHandler, filters

import botwatch

OWNER = 999


async def obey(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    message = update.effective_message
    match message.text or message.caption:
        case "silence" | None:
            return
        case "slow":
            await asyncio.sleep(0.3)
            await message.reply_text("at last")
        case "twice":
            await message.reply_text("one")
            await message.reply_text("two")
        case "photo":
            await message.reply_photo("file-id", caption="look")
        case "album":
            await message.reply_media_group([InputMediaPhoto("a", caption="first"), InputMediaPhoto("b")])
        case "edit":
            answer = await message.reply_text("thinking")
            await answer.edit_text("thought")
        case "typing":
            await message.reply_chat_action("typing")
        case "task":
            context.application.create_task(later(message))
        case "thread":
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(outside, loop, message.reply_text("from a thread"))
        case "pool":
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, botwatch.carry(outside), loop, message.reply_text("from a pool"))
        case "tell the owner":
            await context.bot.send_message(OWNER, "somebody was here")
        case "fail":
            await fail(message)
        case "crash":
            raise RuntimeError("as the test wants it")
        case text if text.startswith("block "):
            block(Path(text.removeprefix("block ")))
        case text:
            await message.reply_text(f"you said {text}")


def block(until: Path) -> None:
    while not until.exists():
        time.sleep(0.05)


def outside(loop: asyncio.AbstractEventLoop, coroutine) -> None:
    """For a thread: has its event loop do something, and waits for it."""
    asyncio.run_coroutine_threadsafe(coroutine, loop).result()


async def later(message) -> None:
    await asyncio.sleep(0.2)
    await message.reply_text("from a task")


async def fail(message) -> None:
    try:
        await message.reply_text("unreachable")
    except BadRequest:
        await message.reply_text("reached at last")


async def pressed(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    await update.callback_query.answer()
    await update.effective_chat.send_message(f"you chose {update.callback_query.data}")


async def excuse(update: object, _context: ContextTypes.DEFAULT_TYPE) -> None:
    await update.effective_message.reply_text("sorry")


def main(api: str, token: str, concurrent: bool) -> None:
    application = (
        Application.builder().token(token).base_url(f"{api}/bot").concurrent_updates(concurrent).build()
    )
    application.add_handler(CallbackQueryHandler(pressed))
    application.add_handler(MessageHandler(filters.ALL, obey))
    application.add_error_handler(excuse)
    botwatch.start(blocked_s=0.5)
    botwatch.attach(application)
    application.run_polling(poll_interval=0, timeout=1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], concurrent="concurrent" in sys.argv[3:])
