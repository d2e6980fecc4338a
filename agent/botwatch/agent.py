"""The agent's face: calls that cost a microsecond, never block and never raise into the bot after start."""

from __future__ import annotations

import atexit
import threading
from json.encoder import encode_basestring as quote
from time import time_ns

from .encode import LONGEST_MS, NAME_LIMIT, TEXT_LIMIT, InvalidEvent, message_body, now_ms
from .handling import Handling
from .losses import Losses
from .presence import presence_body
from .respond import Respond, decorate
from .waiting import times_of_answer
from .watched import Watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar, overload

    from .config import Config
    from .running import Running

    Handler = TypeVar("Handler", bound=Callable[..., Any])
else:

    def overload(function: object) -> object:
        return function


EXIT_TIMEOUT_S = 1.0
DIRECTIONS = ("in", "out")


class Agent:
    """Records what one bot does and sends it to a collector. Several may live in one process.

    Nothing happens before `start`: calls are counted and dropped. After a fork the child is an instance
    of its own from its first call on.
    """

    def __init__(self) -> None:
        self._append: Callable[[str], None] | None = None
        self._is_suspect: Callable[[str], object] = bool
        self._running: Running | None = None
        self._last: Running | None = None
        self._config: Config | None = None
        self._is_disabled = False
        self._losses = Losses()
        self.watched = Watched()
        self._update_at_ms: int | None = None
        self._lock = threading.RLock()

    def start(
        self,
        url: str | None = None,
        token: str | None = None,
        bot: str | None = None,
        *,
        spool_dir: str | os.PathLike[str] | None = None,
        version: str | None = None,
        privacy: Mapping[str, str] | None = None,
        privacy_key: str | bytes | None = None,
        enabled: bool | None = None,
        linger_s: float = 2.0,
        batch_events: int = 500,
        batch_bytes: int = 4 << 20,
        spool_max_bytes: int = 64 << 20,
        spool_max_age_s: float = 7 * 86_400.0,
        heartbeat_s: float = 15.0,
        sample_s: float = 10.0,
        timeout_s: float = 10.0,
        retry_s: float = 0.5,
        adopt_s: float = 10.0,
        blocked_s: float = 2.0,
        hanging_s: float = 10.0,
    ) -> Agent:
        """Begin to record and send. What is not passed comes from BOTWATCH_URL, BOTWATCH_TOKEN and so on.

        `version` is the bot's own. `privacy` says what may be kept, such as {"user_id": "hash"}; see
        docs/privacy.md. A batch goes out `linger_s` after the last, or as soon as `batch_events`
        wait, a quiet bot's first event almost at once; when behind, batches grow to what the collector takes,
        `batch_bytes` at most before compression.
        `retry_s` is the first pause after a failure; every `adopt_s` it looks for spools of dead processes.
        An event loop that answers nobody for `blocked_s`, and a handler that takes `hanging_s`, are told of
        with the line that they hang at.

        Raises ConfigurationError naming the setting that is missing or wrong; nothing else reaches the bot.
        Started again with the same settings, it goes on; with others, it stops first.
        """
        from .config import is_enabled, read_config

        if not is_enabled(enabled):
            self.stop()
            self._is_disabled = True
            return self
        config = read_config(
            url=url,
            token=token,
            bot=bot,
            version=version,
            privacy=privacy,
            privacy_key=privacy_key,
            spool_dir=spool_dir,
            numbers={
                "linger_s": linger_s,
                "batch_events": batch_events,
                "batch_bytes": batch_bytes,
                "spool_max_bytes": spool_max_bytes,
                "spool_max_age_s": spool_max_age_s,
                "heartbeat_s": heartbeat_s,
                "sample_s": sample_s,
                "timeout_s": timeout_s,
                "retry_s": retry_s,
                "adopt_s": adopt_s,
                "blocked_s": blocked_s,
                "hanging_s": hanging_s,
            },
        )
        with self._lock:
            if self._running is not None and config == self._config:
                return self
            self.stop()
            self._is_disabled = False
            self._config = config
            self._run(config)
        return self

    def _run(self, config: Config) -> None:
        from .forks import follow
        from .running import Running

        self._running = Running(config, self._losses, self.watched, self.update_age_s)
        # Before the threads start: where they are greenlets, another may call while they do.
        self._is_suspect = config.privacy.is_suspect
        self._append = self._running.spool.append
        self._running.start()
        follow(self)
        atexit.register(self.stop)

    def message(
        self,
        *,
        user_id: object,
        text: object,
        direction: str = "in",
        response_ms: float | None = None,
        wait_ms: float | None = None,
        user_name: object = None,
        channel: object = None,
        id: str | None = None,
        ts: int | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> None:
        """Record a message: "in" from the user, "out" to the user. On disk when this returns.

        `response_ms` is how long the bot handled it, `wait_ms` how long the user waited: an answer has them
        by itself within an update or request that is watched. `ts` is when it was (unix milliseconds; now).
        `text` may be None where it must not be kept; above 65,536 characters it is cut. `attributes` are up
        to 32 strings, numbers, booleans. A known `id` is not stored again.
        """
        append = self._append
        if append is None:
            self._not_recording()
            return
        if direction == "out" and response_ms is None and wait_ms is None:
            response_ms, wait_ms = times_of_answer(user_id)
        body = None
        try:
            # The usual message is put together here: one call more would be felt.
            if (
                type(text) is str
                and type(user_id) is str
                and len(text) <= TEXT_LIMIT
                and len(user_id) <= NAME_LIMIT
                and direction in DIRECTIONS
                and id is None
                and ts is None
                and attributes is None
                and (user_name is None or len(user_name) <= NAME_LIMIT)  # type: ignore[arg-type]
                and (channel is None or len(channel) <= NAME_LIMIT)  # type: ignore[arg-type]
                and (response_ms is None or (type(response_ms) is int and 0 <= response_ms <= LONGEST_MS))
                and (wait_ms is None or (type(wait_ms) is int and 0 <= wait_ms <= LONGEST_MS))
                and self._is_suspect(f"{text}\n{user_name}") is None
            ):
                now = time_ns() // 1_000_000
                body = (
                    f'"kind":"message","ts":{now},"direction":"{direction}",'
                    f'"text":{quote(text)},"user_id":{quote(user_id)}'
                )
                if user_name is not None:
                    body = f'{body},"user_name":{quote(user_name)}'  # type: ignore[arg-type]
                if channel is not None:
                    body = f'{body},"channel":{quote(channel)}'  # type: ignore[arg-type]
                if response_ms is not None:
                    body = f'{body},"response_ms":{response_ms}'
                if wait_ms is not None:
                    body = f'{body},"wait_ms":{wait_ms}'
        except TypeError:  # a name that is no string
            body = None
        try:
            if body is None:
                body = self._careful_body(
                    user_id=user_id,
                    text=text,
                    direction=direction,
                    response_ms=response_ms,
                    wait_ms=wait_ms,
                    user_name=user_name,
                    channel=channel,
                    event_id=id,
                    ts=ts,
                    attributes=attributes,
                )
            append(body)
            if direction == "in" and ts is None:
                self._update_at_ms = time_ns() // 1_000_000
        except InvalidEvent:
            self._losses.count("invalid")
        except Exception:
            self._losses.count("storage")

    def _careful_body(self, **fields: Any) -> str:
        """The body of an unusual message. Raises InvalidEvent when nothing can be made of it."""
        try:
            assert self._config is not None
            return message_body(**fields, privacy=self._config.privacy, count=self._losses.count)
        except Exception as error:  # an argument's own __str__ or __float__ may raise anything
            raise InvalidEvent from error

    def _not_recording(self) -> None:
        if not self._is_disabled:
            self._losses.count("not_started" if self._config is None else "stopped")

    def presence(
        self,
        *,
        user_id: object,
        status: str | None = None,
        message: object = None,
        typing: bool | None = None,
        page: object = None,
        device: object = None,
        user_name: object = None,
        show_status: bool | None = None,
    ) -> None:
        """Record that a user is "online", "away", "busy", "dnd" or "offline". On disk when this returns.

        What is None stays as it was, and without a status the call is a sign of life; "" takes back a
        `message` (100 characters) or `page`. `show_status=False` hides the user from everybody, until True.
        """
        append, config = self._append, self._config
        if append is None or config is None:
            self._not_recording()
            return
        try:
            body = presence_body(
                config.privacy,
                self._losses.count,
                user_id=user_id,
                status=status,
                message=message,
                typing=typing,
                page=page,
                device=device,
                user_name=user_name,
                show_status=show_status,
            )
            if body is not None:
                append(body)
        except InvalidEvent:
            self._losses.count("invalid")
        except Exception:
            self._losses.count("storage")

    @overload
    def respond(self, handler: Handler, /) -> Handler: ...

    @overload
    def respond(  # noqa: F811
        self,
        handler: None = None,
        /,
        *,
        user_id: object = None,
        text: object = None,
        user_name: object = None,
        channel: object = None,
        sent_at: object = None,
        attributes: Mapping[str, object] | None = None,
    ) -> Respond: ...

    def respond(  # noqa: F811
        self,
        handler: Any = None,
        /,
        *,
        user_id: object = None,
        text: object = None,
        user_name: object = None,
        channel: object = None,
        sent_at: object = None,
        attributes: Any = None,
    ) -> Any:
        """Record one exchange: the user's message now, each reply with the time since then.

        As a context manager, sync or async: `with respond(user_id=..., text=...) as response:` and in it
        `response.reply(...)`. As a decorator, bare or with fields: what the handler returns is the reply. A
        field may also be a callable that gets the handler's arguments; what is not given is sought in them
        (see `arguments`). `sent_at` is the message's own time, unix milliseconds or a datetime: with it
        replies say how long the user waited.
        """
        if handler is not None:
            return decorate(handler, self, {})
        return Respond(
            self,
            user_id=user_id,
            text=text,
            user_name=user_name,
            channel=channel,
            sent_at=sent_at,
            attributes=attributes,
        )

    def attach(self, target: Any, **options: Any) -> Any:
        """Watch a bot framework's application object. TypeError for a framework that is not supported."""
        from .integrations import attach

        return attach(target, self, **options)

    def update_seen(self) -> None:
        """An update from the platform was handled, whether or not it was a message."""
        self._update_at_ms = now_ms()

    def handling(
        self,
        user_id: object = None,
        *,
        harmless: tuple[type[BaseException], ...] = (),
        may_last: bool = False,
    ) -> Handling:
        """A context manager around the handling of an update, which tells what that raises or hangs at.

        `harmless` are the exceptions by which a framework steers, which aren't errors. What `may_last`, such
        as a stream, never hangs.
        """
        return Handling(self, user_id, harmless, may_last)

    def handler_failed(
        self,
        error: BaseException | type[BaseException],
        *,
        user_id: object = None,
        duration_ms: int | None = None,
    ) -> None:
        """A handler let this error out: tell its type, place and message, and keep nothing of it.

        What ends a handler without being an error, such as a cancellation, is only counted; so is a type,
        which has no place.
        """
        running, config = self._running, self._config
        if running is None or config is None:
            return
        try:
            error_type = error if isinstance(error, type) else type(error)
            running.figures.count_handler_error(error_type.__name__)
            if isinstance(error, Exception):
                from .troubles import error_body

                running.spool.append(error_body(error, user_id, duration_ms, config.privacy))
        except Exception:  # the error's own __str__ may raise anything
            self._losses.count("invalid")

    @overload
    def check(
        self, name: str, function: Handler, *, every_s: float = 300.0, timeout_s: float = 10.0
    ) -> Handler: ...

    @overload
    def check(  # noqa: F811
        self, name: str, function: None = None, *, every_s: float = 300.0, timeout_s: float = 10.0
    ) -> Callable[[Handler], Handler]: ...

    def check(  # noqa: F811
        self, name: str, function: Any = None, *, every_s: float = 300.0, timeout_s: float = 10.0
    ) -> Any:
        """Ask a dependency by calling `function`, sync or async, in the background every `every_s`.

        It fails by raising; without an answer within `timeout_s` it has failed too. Without a function, a
        decorator. May stand before `start`. Raises ConfigurationError for what can't be a check.
        """
        from .checks import Check, confirm

        confirm(name, self.watched.checks, every_s=every_s, timeout_s=timeout_s)
        if function is None:
            return lambda function: self.check(name, function, every_s=every_s, timeout_s=timeout_s)
        if not callable(function):
            raise TypeError(f"check {name}: expected a function, got {function!r}")
        self.watched.checks[name] = Check(name, function, every_s, timeout_s)
        if self._running is not None:
            self._running.look()
        return function

    def request_forged(self) -> None:
        """A webhook's request was not signed as it must be, and is not recorded."""
        if self._running is not None:
            self._running.figures.count_forged_request()

    def watch_loop(self, loop: AbstractEventLoop) -> None:
        """Measure how late this event loop is. Safe to repeat, and from any thread."""
        self.watched.watch_loop(loop)

    def watch_connections(self, count: Callable[[], int]) -> None:
        """Sample how many database connections are open; `count` is called in the agent's thread."""
        self.watched.connections = count

    def update_age_s(self) -> float | None:
        """Seconds since the last update handled, None before the first."""
        if self._update_at_ms is None:
            return None
        return max(0.0, (now_ms() - self._update_at_ms) / 1000)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until nothing accepted up to now is queued any more; False when the time was too short."""
        running = self._running
        return running is None or running.flush(timeout_s)

    def stop(self, timeout_s: float = EXIT_TIMEOUT_S) -> None:
        """Send what the time allows and end; the rest is on disk for the next start. Also done at exit."""
        with self._lock:
            running, self._running, self._append = self._running, None, None
            if running is None:
                return
            self._last = running
            atexit.unregister(self.stop)
            running.stop(timeout_s)

    def stats(self) -> dict[str, Any]:
        """The agent's own figures: state, accepted, sent, queued, losses by reason, errors, cost.

        docs/agent.md says what each means; the heartbeat carries the same.
        """
        running = self._running or self._last
        figures = {"state": "not started"} if running is None else running.stats()
        if self._is_disabled:
            figures["state"] = "disabled"
        return {**figures, "losses": self._losses.by_reason()}

    def before_fork(self) -> None:
        if self._running is not None:
            self._running.wait_until_loaded()

    def after_fork(self) -> None:
        """In the child: forget the parent's spool and threads; the first call makes our own."""
        running, self._running, self._last = self._running, None, None
        self._lock = threading.RLock()
        self._losses = Losses()
        self.watched.start_over()
        if running is not None:
            self._append = self._append_after_fork
            running.abandon()

    def _append_after_fork(self, body: str) -> None:
        with self._lock:
            if self._running is None and self._append is not None and self._config is not None:
                self._run(self._config)
        if self._append is not None:
            self._append(body)
