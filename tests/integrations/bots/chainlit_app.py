"""A Chainlit app that obeys its users."""

import asyncio

import chainlit as cl

import botwatch

tasks = set()
botwatch.start(linger_s=0.1)
botwatch.attach(cl)
botwatch.attach(cl)


@cl.password_auth_callback
def log_in(username: str, password: str) -> cl.User:
    """The password is the name that the person goes by."""
    return cl.User(identifier=username, display_name=password)


@cl.on_message
async def obey(message: cl.Message) -> None:
    match message.content:
        case "silence":
            return
        case "slow":
            await asyncio.sleep(0.3)
            await cl.Message("at last").send()
        case "twice":
            await cl.Message("one").send()
            await cl.Message("two").send()
        case "edit":
            answer = await cl.Message("thinking").send()
            answer.content = "thought"
            await answer.update()
        case "stream":
            answer = await cl.Message("").send()
            for token in ("to", "ken", "s"):
                await answer.stream_token(token)
            await answer.update()
        case "ask":
            answer = await cl.AskUserMessage("what else?", timeout=30).send()
            await cl.Message(f"so {answer['output']}").send()
        case "step":
            async with cl.Step(name="tool", type="tool") as step:
                step.output = "found"
        case "task":
            task = asyncio.create_task(later())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        case "fail":
            await cl.Message("reached at last").send()
        case "crash":
            raise RuntimeError("as the test wants it")
        case text:
            await cl.Message(f"you said {text}").send()


async def later() -> None:
    await asyncio.sleep(0.2)
    await cl.Message("from a task").send()
