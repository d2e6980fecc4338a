"""What to paste into a bot, for each way of writing one."""

import json
from collections.abc import Callable
from dataclasses import dataclass

TOKEN_GOES_HERE = "YOUR_TOKEN"  # noqa: S105 - stands where a token belongs that can't be shown again


@dataclass(frozen=True)
class Snippet:
    """The code for one framework; `note` says what else there is to know."""

    key: str
    title: str
    code: str
    note: str


def two_lines(url: str, token: str) -> str:
    """All that a bot needs to report that it is alive."""
    return f"import botwatch\nbotwatch.start(url={json.dumps(url)}, token={json.dumps(token)})"


def _python(start: str, _url: str, _token: str) -> str:
    return f"""{start}

# where a message comes in
with botwatch.respond(user_id="42", user_name="Alice", text="Hello") as response:
    answer = "Hello, Alice!"  # your handler: how long it takes is measured
    response.reply(answer)"""


def _python_telegram_bot(start: str, _url: str, _token: str) -> str:
    return f"""{start}

application = ApplicationBuilder().token("...").build()
botwatch.attach(application)"""


def _aiogram(start: str, _url: str, _token: str) -> str:
    return f"""{start}

dispatcher = Dispatcher()
botwatch.attach(dispatcher)"""


def _flask(start: str, _url: str, _token: str) -> str:
    return f"""{start}

app = Flask(__name__)
botwatch.attach(app, path="/webhook", secret="the app secret of your platform")"""


def _curl(_start: str, url: str, token: str) -> str:
    return f"""curl -fsS {url}/api/events --data-binary @- \\
  -H 'Authorization: Bearer {token}' -H 'Content-Type: application/x-ndjson' <<END
{{"v":1,"instance":"$(hostname)"}}
{{"kind":"message","id":"$(date +%s%N)","ts":$(date +%s)000,"direction":"in","user_id":"42","text":"Hello"}}
END"""


_WAYS: tuple[tuple[str, str, Callable[[str, str, str], str], str], ...] = (
    (
        "python",
        "Python",
        _python,
        "Where the handler is async, write async with. botwatch.respond is a decorator as well.",
    ),
    (
        "python-telegram-bot",
        "python-telegram-bot",
        _python_telegram_bot,
        "Messages, answers and times are recorded by themselves.",
    ),
    ("aiogram", "aiogram", _aiogram, "Messages, answers and times are recorded by themselves."),
    (
        "flask",
        "Flask webhook",
        _flask,
        'For Messenger; provider="telegram" or "slack" for those. Only rightly signed requests count.',
    ),
    ("curl", "curl", _curl, "Any language can do this: one JSON line for each event."),
)


def snippets(url: str, token: str) -> list[Snippet]:
    """All of them, with the address and the token filled in."""
    start = two_lines(url, token)
    return [Snippet(key, title, write(start, url, token), note) for key, title, write, note in _WAYS]
