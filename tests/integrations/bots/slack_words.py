"""What a Slack bot and its Slack have agreed on."""

import requests

SECRET = "signing-secret"


def announce(slack: str, port: int) -> None:
    """Tell where the bot listens, as its owner does on Slack's pages."""
    requests.post(f"{slack}/bot", data=f"http://127.0.0.1:{port}/", timeout=60).raise_for_status()
