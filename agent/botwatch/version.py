"""The agent's own version, and how it names itself to the collector."""

VERSION = "0.1.0"
AGENT = f"botwatch-python/{VERSION}"
