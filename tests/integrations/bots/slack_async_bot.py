"""An asynchronous Bolt app that obeys its users. Argument: the address of the Slack it lives in."""

import asyncio
import sys

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_words import SECRET, announce

import botwatch

OWNER = "U999"
client = AsyncWebClient("xoxb-token-of-no-bot", base_url=f"{sys.argv[1]}/api/")
app = AsyncApp(client=client, signing_secret=SECRET)
tasks = set()
botwatch.start(linger_s=0.1)
botwatch.attach(app)
botwatch.attach(app)


@app.event("message")
@app.event("app_mention")
async def obey(event, say, client):
    match event["text"]:
        case "silence":
            return
        case "slow":
            await asyncio.sleep(0.3)
            await say("at last")
        case "twice":
            await say("one")
            await app.client.chat_postMessage(channel=event["channel"], text="two")
        case "edit":
            answer = await say("thinking")
            await client.chat_update(channel=answer["channel"], ts=answer["ts"], text="thought")
        case "task":
            task = asyncio.create_task(later(say))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        case "tell the owner":
            await app.client.chat_postMessage(channel=OWNER, text="somebody was here")
        case "who am i":
            found = await client.users_info(user=event["user"])
            await say("you are " + found["user"]["profile"]["display_name"])
        case "fail":
            try:
                await say("unreachable")
            except SlackApiError:
                await say("reached at last")
        case "crash":
            raise RuntimeError("as the test wants it")
        case text:
            await say(f"you said {text}")


async def later(say):
    await asyncio.sleep(0.2)
    await say("from a task")


@app.command("/order")
async def order(ack, respond, command):
    await ack(f"ordered {command['text']}")
    await respond("anything else?")


@app.action("tea")
async def tea(ack, respond):
    await ack()
    await respond(text="you chose tea", replace_original=True)


async def main() -> None:
    runner = web.AppRunner(app.web_app("/"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await asyncio.to_thread(announce, sys.argv[1], runner.addresses[0][1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
