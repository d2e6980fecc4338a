"""Starts sopel, Limnoria and errbot, each at its current version, against a server and a collector."""

import signal
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

from .conftest import BOTS, PATIENCE_S, agent_environment, eventually
from .environments import ROOT, python_with
from .irc_server import CHANNEL, IrcServer

REQUIREMENTS = {"sopel": "sopel", "limnoria": "limnoria", "errbot": "errbot[IRC]"}

SOPEL = """\
[core]
nick = Keeper
owner = Nobody
host = 127.0.0.1
port = {port}
use_ssl = false
channels = {channel}
prefix = \\.
homedir = {folder}
extra = {bots}/sopel
enable =
    botwatch
    obey
flood_burst_lines = 1000
antiloop_threshold = 0

[botwatch]
url = {url}
token = {token}
"""

LIMNORIA = """\
supybot.nick: Keeper
supybot.user: Keeper
supybot.networks: test
supybot.networks.test.servers: 127.0.0.1:{port}
supybot.networks.test.ssl: False
supybot.networks.test.channels: {channel}
supybot.directories.conf: {folder}/conf
supybot.directories.data: {folder}/data
supybot.directories.log: {folder}/log
supybot.directories.plugins: {bots}/limnoria
supybot.plugins: Owner Misc Obey Botwatch
supybot.plugins.Owner: True
supybot.plugins.Misc: True
supybot.plugins.Obey: True
supybot.plugins.Botwatch: True
supybot.reply.whenAddressedBy.chars: .
supybot.reply.mores.instant: 1
supybot.protocols.irc.throttleTime: 0.0
supybot.abuse.flood.command: False
supybot.abuse.flood.command.invalid: False
"""

ERRBOT = """\
import botwatch
from botwatch.integrations import errbot_plugin

botwatch.start(url="{url}", token="{token}", linger_s=0.05)
BACKEND = "IRC"
BOT_DATA_DIR = "{folder}"
BOT_EXTRA_PLUGIN_DIR = [errbot_plugin.FOLDER, "{bots}/errbot"]
BOT_LOG_FILE = None
BOT_LOG_LEVEL = "INFO"
BOT_ADMINS = ("Nobody",)
BOT_IDENTITY = {{"nickname": "Keeper", "server": "127.0.0.1", "port": {port}}}
CHATROOM_PRESENCE = ("{channel}",)
BOT_PREFIX = "."
CORE_PLUGINS = ("ACLs", "ChatRoom", "Utils")
IRC_CHANNEL_RATE = IRC_PRIVATE_RATE = None
"""

# What each is configured by, and the program and arguments that start it.
KINDS = {
    "sopel": ("sopel.cfg", SOPEL, [str(BOTS / "sopel_start.py")]),
    "limnoria": ("limnoria.conf", LIMNORIA, ["limnoria", "--allow-root"]),
    "errbot": ("config.py", ERRBOT, ["errbot", "-c"]),
}


@contextmanager
def irc_bot(kind: str, server: IrcServer, collector, folder: Path) -> Iterator[None]:
    """The bot in its channel."""
    name, form, (program, *arguments) = KINDS[kind]
    python = python_with(REQUIREMENTS[kind])
    settings = {"port": server.port, "channel": CHANNEL, "folder": folder, "bots": BOTS}
    (folder / name).write_text(form.format(url=collector.url, token=collector.token, **settings))
    log = folder / "bot.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, python.parent / program, *arguments, folder / name],
            env=agent_environment(collector, folder) | {"PYTHONPATH": str(installed(folder))},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        try:
            eventually(lambda: server.has_joined.is_set() or process.poll() is not None)
            assert process.poll() is None, "the bot is gone"
            eventually(lambda: _answers(server))
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_S)
            print(log.read_text())


def _answers(server: IrcServer) -> bool:
    """A bot may be in its channel before all of its plugins are there."""
    server.say("Usher", ".hello")
    return server.has_answered.wait(0.5)


def installed(folder: Path) -> Path:
    """What an installation of ours leaves for frameworks that look for plugins."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = folder / "site" / "botwatch-0.dist-info"
    declared.mkdir(parents=True)
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: botwatch\nVersion: 0\n")
    groups = (f"[{group}]{lines}" for group, lines in setup["options.entry_points"].items())
    (declared / "entry_points.txt").write_text("\n".join(groups))
    return declared.parent
