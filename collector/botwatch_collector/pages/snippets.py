"""What to paste into a bot, for each way of writing one: a table of data."""

import json
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


def snippets(url: str, token: str) -> list[Snippet]:
    """All of them, with the address and the token filled in."""
    known = {"<start>": two_lines(url, token), "<url>": url, "<token>": token}
    return [Snippet(key, title, _filled(code, known), note) for key, title, code, note in _WAYS]


def _filled(code: str, known: dict[str, str]) -> str:
    for place, value in known.items():
        code = code.replace(place, value)
    return code


_BY_ITSELF = "Messages, answers and times are recorded by themselves."

_PYTHON = """<start>

# where a message comes in
with botwatch.respond(user_id="42", user_name="Alice", text="Hello") as response:
    answer = "Hello, Alice!"  # your handler: how long it takes is measured
    response.reply(answer)"""

_PYTHON_TELEGRAM_BOT = """<start>

application = ApplicationBuilder().token("...").build()
botwatch.attach(application)"""

_AIOGRAM = """<start>

dispatcher = Dispatcher()
botwatch.attach(dispatcher)"""

_DISCORD = """<start>

bot = commands.Bot("!", intents=intents)
botwatch.attach(bot)"""

_SLACK = """<start>

app = App(token="...", signing_secret="...")
botwatch.attach(app)"""

_MATRIX = """<start>

client = AsyncClient("https://matrix.example.org", "@bot:example.org")
botwatch.attach(client)"""

_BOTBUILDER = """<start>

adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(CONFIG))
botwatch.attach(adapter)"""

_CHAINLIT = """<start>

import chainlit as cl
botwatch.attach(cl)"""

_FLASK = """<start>

app = Flask(__name__)
botwatch.attach(app, path="/webhook", secret="the app secret of your platform")"""

_WEB_APP = """<start>

app = botwatch.attach(app, path="/webhook")"""

_SOPEL = """[botwatch]
url = <url>
token = <token>"""

_ERRBOT = """<start>

from botwatch.integrations import errbot_plugin
BOT_EXTRA_PLUGIN_DIR = [errbot_plugin.FOLDER]"""

_LIMNORIA = """export BOTWATCH_URL=<url> BOTWATCH_TOKEN=<token>
limnoria bot.conf"""

_CURL = """curl -fsS <url>/api/events --data-binary @- \\
  -H 'Authorization: Bearer <token>' -H 'Content-Type: application/x-ndjson' <<END
{"v":1,"instance":"$(hostname)"}
{"kind":"message","id":"$(date +%s%N)","ts":$(date +%s)000,"direction":"in","user_id":"42","text":"Hello"}
END"""

_WAYS = (
    (
        "python",
        "Python",
        _PYTHON,
        "Where the handler is async, write async with. botwatch.respond is a decorator as well.",
    ),
    ("python-telegram-bot", "python-telegram-bot", _PYTHON_TELEGRAM_BOT, _BY_ITSELF),
    ("aiogram", "aiogram", _AIOGRAM, _BY_ITSELF),
    ("discord", "discord.py", _DISCORD, _BY_ITSELF),
    ("slack", "slack-bolt", _SLACK, f"Right behind App or AsyncApp. {_BY_ITSELF}"),
    ("matrix", "matrix-nio", _MATRIX, _BY_ITSELF),
    ("botbuilder", "botbuilder", _BOTBUILDER, f"Before middleware of your own. {_BY_ITSELF}"),
    ("chainlit", "chainlit", _CHAINLIT, f"At the top of the app's file. {_BY_ITSELF}"),
    (
        "flask",
        "Flask webhook",
        _FLASK,
        'For Messenger; provider="telegram" or "slack" for those. Only rightly signed requests count.',
    ),
    (
        "asgi-wsgi",
        "FastAPI, Django",
        _WEB_APP,
        "Any ASGI or WSGI app: serve what attach returns. secret= and provider= record messages too.",
    ),
    ("sopel", "sopel", _SOPEL, "In the bot's configuration file; install botwatch where sopel is."),
    ("errbot", "errbot", _ERRBOT, "In the bot's config.py, beside the folders of your own plugins."),
    ("limnoria", "Limnoria", _LIMNORIA, "And once, to the bot: load Botwatch."),
    ("curl", "curl", _CURL, "Any language can do this: one JSON line for each event."),
)
