"""`attach` finds the framework by its object alone, and leaves what was there in charge."""

import asyncio
import subprocess
import sys
import time

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from telegram import Update
from telegram.ext import Application, BaseRateLimiter, Defaults, MessageHandler, filters

from botwatch.integrations import attach

from .conftest import eventually
from .telegram_double import TOKEN, Person

ALICE = Person(1, "Alice")


def application(api, **options):
    builder = Application.builder().token(TOKEN).base_url(f"{api.url}/bot").updater(None)
    for name, value in options.items():
        getattr(builder, name)(value)
    built = builder.build()
    built.add_handler(MessageHandler(filters.ALL, answer))
    return built


async def answer(update, _context):
    await asyncio.sleep(0.1)
    await update.message.reply_text(f"you said {update.message.text}")


def handle(app, *updates, until=lambda: True) -> None:
    """Hand updates straight to the application, as a webhook's view does; it runs on until a condition."""

    async def run() -> None:
        async with app:
            await app.start()
            for update in updates:
                await app.process_update(Update.de_json(update, app.bot))
            await asyncio.to_thread(eventually, until)
            await app.stop()

    asyncio.run(run())


def update(api, text: str, age_s: float = 5) -> dict:
    return {"update_id": 1, "message": api.message(ALICE, text, age_s=age_s)}


@pytest.mark.parametrize("options", [{}, {"concurrent_updates": True}, {"defaults": Defaults(block=False)}])
def test_update_given_straight_to_the_application_is_seen(agent, api, collector, options):
    app = application(api, **options)
    attach(app, agent)

    handle(app, update(api, "hello"))

    eventually(lambda: len(collector.messages()) == 2)
    asked, answered = collector.messages()
    assert (asked["text"], answered["text"]) == ("hello", "you said hello")
    assert answered["response_ms"] >= 100 and answered["wait_ms"] >= 5000


class TryTwice(BaseRateLimiter):
    """A limiter of the bot's own: gives up the first try of everything."""

    def __init__(self):
        self.tries, self.is_initialized = 0, False

    async def initialize(self):
        self.is_initialized = True

    async def shutdown(self):
        self.is_initialized = False

    async def process_request(self, callback, args, kwargs, endpoint, data, rate_limit_args):
        self.tries += 1
        await callback(*args, **kwargs)
        return await callback(*args, **kwargs)


def test_rate_limiter_of_the_bot_stays_in_charge(agent, api, collector):
    limiter = TryTwice()
    app = application(api, rate_limiter=limiter)
    attach(app, agent)

    handle(app, update(api, "hello"))

    assert limiter.tries == 2, "getMe, sendMessage"
    assert len(api.sent) == 2
    eventually(lambda: len(collector.messages()) == 2)


def test_without_a_limiter_its_arguments_are_refused_as_ever(agent, api):
    app = application(api)
    attach(app, agent)

    async def send() -> None:
        async with app:
            await app.bot.send_message(1, "hello", rate_limit_args=1)

    with pytest.raises(ValueError, match="can only be used if"):
        asyncio.run(send())


def test_attached_twice_counts_once(agent, api, collector):
    app = application(api)
    attach(app, agent)
    attach(app, agent)

    handle(app, update(api, "one"), update(api, "two"))

    eventually(lambda: len(collector.messages()) == 4)


def test_edits_may_be_left_out(agent, api, collector):
    app = application(api)
    attach(app, agent, edits=False)

    async def stream(app) -> None:
        async with app:
            sent = await app.bot.send_message(1, "th")
            await sent.edit_text("thinking")
            await app.bot.send_message(1, "done")

    asyncio.run(stream(app))

    eventually(lambda: len(collector.messages()) == 2)
    assert [m["text"] for m in collector.messages()] == ["th", "done"]


def test_reminder_is_no_answer_although_a_handler_set_it(agent, api, collector):
    app = application(api)
    app.handlers.clear()

    async def remind(context) -> None:
        await context.bot.send_message(ALICE.id, "time is up")

    async def set_reminder(_update, context) -> None:
        context.job_queue.run_once(remind, 0.1)

    app.add_handler(MessageHandler(filters.ALL, set_reminder))
    attach(app, agent)
    handle(app, update(api, "remind me"), until=lambda: api.sent)

    eventually(lambda: len(collector.messages()) == 2)
    reminder = collector.messages()[1]
    assert (reminder["user_id"], reminder["text"]) == ("1", "time is up")
    assert reminder.get("response_ms") is None


@pytest.mark.parametrize("in_background", [False, True])
def test_aiogram_answer_inside_a_webhooks_response_is_counted_once(agent, api, collector, in_background):
    """aiogram hands the call that a handler returns to Telegram in the response, or makes it itself."""
    dispatcher = Dispatcher()
    dispatcher.message.register(lambda message: message.answer("in the response"))
    attach(dispatcher, agent)

    async def receive() -> None:
        session = AiohttpSession(api=TelegramAPIServer.from_base(api.url))
        async with Bot(TOKEN, session=session) as bot:
            receiver = SimpleRequestHandler(dispatcher, bot, handle_in_background=in_background)
            app = web.Application()
            receiver.register(app, path="/webhook")
            async with TestClient(TestServer(app)) as client:
                answer = await client.post("/webhook", json=update(api, "hello"))
                assert ("in the response" in await answer.text()) == (not in_background)
                await asyncio.gather(*receiver._background_feed_update_tasks)

    asyncio.run(receive())

    eventually(lambda: len(collector.messages()) == 2)
    assert len(api.sent) == int(in_background)
    answer = collector.messages()[1]
    assert (answer["text"], answer["user_id"]) == ("in the response", "1")
    assert answer["response_ms"] >= 0 and answer["wait_ms"] >= 5000


def test_bot_that_sends_before_its_first_update_is_attached_with_the_dispatcher(agent, api, collector):
    dispatcher = Dispatcher()

    async def announce() -> None:
        async with Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(api.url))) as bot:
            attach(dispatcher, agent, bot=bot)
            attach(dispatcher, agent, bot=bot)
            await bot.send_message(7, "good morning")

    asyncio.run(announce())

    eventually(lambda: len(collector.messages()) == 1)
    assert (collector.messages()[0]["user_id"], collector.messages()[0]["text"]) == ("7", "good morning")


def test_broken_watching_does_not_reach_the_bot(api, caplog):
    class Broken:
        def __getattr__(self, name):
            raise RuntimeError("as the test wants it")

    app = application(api)
    attach(app, Broken())

    handle(app, update(api, "hello"))

    assert [message["text"] for message in api.sent] == ["you said hello"]


def test_unknown_target_is_refused_with_the_known_ones():
    with pytest.raises(TypeError, match=r"telegram\.ext\.Application, aiogram\.Dispatcher, discord\.Client"):
        attach(object(), None)


def test_wrong_object_of_a_known_framework_is_refused(agent):
    with pytest.raises(TypeError, match=r"telegram\.ext\.Application"):
        attach(Application.builder(), agent)


def test_nothing_of_a_framework_is_imported_for_another():
    script = (
        "import sys, requests; from botwatch.integrations import attach;"
        "attach(requests.Session(), None);"
        "known = {'telegram', 'aiogram', 'flask', 'discord', 'slack_bolt', 'nio', 'botbuilder', 'chainlit'};"
        "assert not known & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_wait_is_never_negative(agent, api, collector):
    app = application(api)
    attach(app, agent)

    handle(app, update(api, "from the future", age_s=-100))

    eventually(lambda: len(collector.messages()) == 2)
    assert collector.messages()[1]["wait_ms"] == 0
    assert collector.messages()[1]["ts"] <= time.time() * 1000
