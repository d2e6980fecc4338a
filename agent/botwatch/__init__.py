"""Watches a chat bot from inside: messages, response times, resources, heartbeats.

    import botwatch

    botwatch.start(url="https://botwatch.example.org", token="bw_i_...", bot="support")
    botwatch.message(user_id="42", text="Hello")

The functions are the methods of one agent; a process that runs several bots makes an `Agent` for each.
"""

from .agent import Agent
from .errors import ConfigurationError
from .respond import Response, current_response
from .version import VERSION
from .waiting import carry

__all__ = [
    "Agent",
    "ConfigurationError",
    "Response",
    "attach",
    "carry",
    "check",
    "current_response",
    "flush",
    "handling",
    "message",
    "presence",
    "respond",
    "start",
    "stats",
    "stop",
    "update_seen",
    "watch_connections",
    "watch_loop",
]

__version__ = VERSION

_agent = Agent()

start = _agent.start
message = _agent.message
presence = _agent.presence
respond = _agent.respond
handling = _agent.handling
attach = _agent.attach
check = _agent.check
update_seen = _agent.update_seen
watch_loop = _agent.watch_loop
watch_connections = _agent.watch_connections
flush = _agent.flush
stop = _agent.stop
stats = _agent.stats
