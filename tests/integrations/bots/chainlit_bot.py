"""Serves the Chainlit app beside it. Argument: where to tell the address."""

import asyncio
import os
import socket
import sys
import tempfile
from pathlib import Path

import requests
import uvicorn


async def serve(users: str) -> None:
    from chainlit.config import config, load_module
    from chainlit.server import app

    config.run.module_name = str(Path(__file__).with_name("chainlit_app.py"))
    load_module(config.run.module_name)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        await asyncio.to_thread(requests.post, f"{users}/bot", address, timeout=60)
        await serving


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "CHAINLIT_APP_ROOT": folder,
            "CHAINLIT_AUTH_SECRET": "secret-of-no-app-anywhere-0123456789",
        }
        asyncio.run(serve(sys.argv[1]))
