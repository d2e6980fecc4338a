"""An IRC server reduced to what bots need: registration, capabilities, one channel, people who speak."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from types import TracebackType

NAME = "irc.test"
CHANNEL = "#kitchen"


class IrcServer:
    """Use as a context manager. `sent` are the bot's messages: (command, target, text)."""

    def __init__(self, *capabilities: str) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.has_joined = threading.Event()
        self.has_answered = threading.Event()
        self._capabilities = capabilities
        self._enabled: set[str] = set()
        self._nick = "*"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._writer: asyncio.StreamWriter | None = None
        self._serving: asyncio.Task[None] | None = None

    def __enter__(self) -> "IrcServer":
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def say(self, nick: str, text: str, to: str = "", command: str = "PRIVMSG", age_s: float = 0) -> None:
        """Have a person say something in a channel, or to the bot itself."""
        at = datetime.now(UTC) - timedelta(seconds=age_s)
        tags = {"time": f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"} if self.tells_time else {}
        line = f":{nick}!{nick.lower()}@host {command} {to or self._nick} :{text}"
        self._loop.call_soon_threadsafe(self._write, line, tags)

    @property
    def tells_time(self) -> bool:
        return self._has("server-time")

    async def _close(self) -> None:
        self._server.close()
        if self._writer and self._serving:
            self._writer.close()
            await asyncio.wait({self._serving})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer, self._serving = writer, asyncio.current_task()
        try:
            while line := await reader.readline():
                self._answer(line.decode().rstrip("\r\n"))
        except ConnectionError:
            return
        finally:
            writer.close()

    def _write(self, line: str, tags: dict[str, str] | None = None) -> None:
        assert self._writer
        told = ";".join(f"{name}={value}" for name, value in (tags or {}).items())
        self._writer.write(f"{f'@{told} ' if told else ''}{line}\r\n".encode())

    def _reply(self, number: str, *words: str) -> None:
        self._write(f":{NAME} {number} {self._nick} {' '.join(words)}")

    def _has(self, capability: str) -> bool:
        return capability in self._enabled

    def _answer(self, line: str) -> None:
        tags = {}
        if line.startswith("@"):
            told, line = line[1:].split(" ", 1)
            tags = dict(tag.partition("=")[::2] for tag in told.split(";"))
        head, _, text = line.partition(" :")
        command, *words = head.split()
        words += [text] if text or " :" in line else []
        answer = getattr(self, f"_on_{command.lower()}", None)
        if answer:
            answer(words, tags)

    def _on_cap(self, words: list[str], _tags: dict[str, str]) -> None:
        if not self._capabilities:
            self._reply("421", "CAP :Unknown command")
        elif words[0] == "LS":
            self._write(f":{NAME} CAP {self._nick} LS :{' '.join(self._capabilities)}")
        elif words[0] == "REQ":
            asked = set(words[1].split())
            is_known = asked <= set(self._capabilities)
            self._enabled |= asked if is_known else set()
            self._write(f":{NAME} CAP {self._nick} {'ACK' if is_known else 'NAK'} :{words[1]}")
        elif words[0] == "END":
            self._welcome()

    def _on_nick(self, words: list[str], _tags: dict[str, str]) -> None:
        self._nick = words[0]

    def _on_user(self, _words: list[str], _tags: dict[str, str]) -> None:
        # Who negotiates capabilities says CAP END when ready.
        if not self._capabilities:
            self._welcome()

    def _welcome(self) -> None:
        self._reply("001", f":Welcome {self._nick}!bot@host")
        self._reply("005", "CHANTYPES=# CASEMAPPING=ascii :are supported")
        self._reply("422", ":No message of the day")

    def _on_join(self, words: list[str], _tags: dict[str, str]) -> None:
        self._write(f":{self._nick}!bot@host JOIN {words[0]}")
        self._reply("353", f"= {words[0]} :{self._nick} Alice Bob")
        self._reply("366", f"{words[0]} :End of names")
        self.has_joined.set()

    def _on_who(self, words: list[str], _tags: dict[str, str]) -> None:
        self._reply("315", f"{words[0]} :End of who")

    def _on_mode(self, words: list[str], _tags: dict[str, str]) -> None:
        if len(words) == 1:
            self._reply("324", f"{words[0]} +n")

    def _on_ping(self, words: list[str], _tags: dict[str, str]) -> None:
        self._write(f":{NAME} PONG {NAME} :{words[-1]}")

    def _on_quit(self, _words: list[str], _tags: dict[str, str]) -> None:
        assert self._writer
        self._writer.close()

    def _on_privmsg(self, words: list[str], tags: dict[str, str]) -> None:
        self._said("PRIVMSG", words, tags)

    def _on_notice(self, words: list[str], tags: dict[str, str]) -> None:
        self._said("NOTICE", words, tags)

    def _said(self, command: str, words: list[str], tags: dict[str, str]) -> None:
        self.sent.append((command, words[0], words[1]))
        self.has_answered.set()
        if self._has("echo-message"):
            label = {"label": tags["label"]} if "label" in tags else {}
            self._write(f":{self._nick}!bot@host {command} {words[0]} :{words[1]}", label)
