"""A Bot Framework bot that obeys its users. Argument: the address of the channel it lives in."""

import asyncio
import sys

import requests
from aiohttp import web
from botbuilder.core import MessageFactory, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity, ConversationReference, ErrorResponseException

import botwatch


class Configuration:
    APP_ID = ""
    APP_PASSWORD = ""


adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(Configuration()))
tasks = set()


class Bot:
    async def on_turn(self, context: TurnContext) -> None:
        if context.activity.type == "message":
            await obey(context)


async def obey(context: TurnContext) -> None:
    match context.activity.text:
        case "silence":
            return
        case "slow":
            await asyncio.sleep(0.3)
            await context.send_activity("at last")
        case "twice":
            await context.send_activities([MessageFactory.text("one"), MessageFactory.text("two")])
        case "edit":
            said = await context.send_activity("thinking")
            await context.update_activity(Activity(id=said.id, type="message", text="thought"))
        case "typing":
            await context.send_activity(Activity(type="typing"))
        case "task":
            run(later(context))
        case "remind me":
            run(remind(TurnContext.get_conversation_reference(context.activity)))
        case "fail":
            try:
                await context.send_activity("unreachable")
            except ErrorResponseException:
                await context.send_activity("reached at last")
        case "crash" | "excuse":
            raise RuntimeError("as the test wants it")
        case text:
            await context.send_activity(f"you said {text}")


async def later(context: TurnContext) -> None:
    await asyncio.sleep(0.2)
    await context.send_activity("from a task")


async def remind(reference: ConversationReference) -> None:
    await asyncio.sleep(0.2)
    await adapter.continue_conversation(reference, lambda context: context.send_activity("time is up"), "")


async def on_error(context: TurnContext, _error: Exception) -> None:
    if context.activity.text == "excuse":
        await context.send_activity("sorry")


adapter.on_turn_error = on_error


def run(coroutine) -> None:
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def receive(request: web.Request) -> web.Response:
    activity = Activity.deserialize(await request.json())
    if activity.delivery_mode != "expectReplies":
        return await adapter.process(request, Bot())
    # `process` of 4.17 can't write what `process_activity` gives here.
    answer = await adapter.process_activity("", activity, Bot().on_turn)
    return web.json_response(answer.body, status=answer.status)


async def main() -> None:
    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    botwatch.start(linger_s=0.1)
    botwatch.attach(adapter)
    botwatch.attach(adapter)
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await asyncio.to_thread(requests.post, f"{sys.argv[1]}/bot", address, timeout=60)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
