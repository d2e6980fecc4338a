"""A real nginx in front of a collector."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DOCS = Path(__file__).parents[2] / "docs" / "streaming.md"
_OPERATIONS = _DOCS.with_name("operations.md")
_COLLECTOR = "http://127.0.0.1:8400"
_CONF = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    {upstream}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""


def documented() -> str:
    """The block that the documentation tells people to use."""
    (block,) = re.findall(r"```nginx\n(.*?)```", _DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert _COLLECTOR in block
    return str(block)


def plain(*directives: str) -> str:
    """What somebody writes who has read nothing; nginx speaks HTTP/1.0 to the collector then, and buffers."""
    said = "".join(f"{directive}; " for directive in ("proxy_http_version 1.0", *directives))
    return f"location / {{ proxy_pass {_COLLECTOR}; {said}}}"


def documented_for_several() -> tuple[str, str]:
    """The two blocks for several collectors: those it knows, and what it does with them."""
    upstream, location = re.findall(r"```nginx\n(.*?)```", _OPERATIONS.read_text(encoding="utf-8"), re.DOTALL)
    return upstream, location


@contextmanager
def nginx(location: str, collector: str, folder: Path, upstream: str = "") -> Iterator[str]:
    """Its address. Skips the test where nginx isn't installed."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no nginx: apt-get install nginx-light")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        conf = folder / "nginx.conf"
        # Its workers have to reach the test's folder.
        user = "user root;" if os.geteuid() == 0 else ""
        location = location.replace(_COLLECTOR, collector)
        conf.write_text(
            _CONF.format(user=user, folder=folder, port=port, location=location, upstream=upstream)
        )
        # It takes over the listening socket, as in an upgrade of itself: the port is ours from the start, and
        # who connects before it runs waits.
        process = subprocess.Popen(
            [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(conf)],
            env={"NGINX": f"{listener.fileno()};"},
            pass_fds=[listener.fileno()],
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
