"""A real PgBouncer in front of a PostgreSQL, which gives a connection away after every transaction."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ..postgres import PostgresServer, ordinary_user
from ..waiting import until

# Fewer connections than it has clients, so that these have to share them.
_CONF = """
[databases]
* = host={server}
[pgbouncer]
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
admin_users = botwatch
logfile = {folder}/log
"""


@contextmanager
def pgbouncer(server: PostgresServer) -> Iterator[Callable[[str], str]]:
    """Gives the URL of a database through it. Skips the test where it isn't installed."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer: apt-get install pgbouncer")
    folder, user = Path(tempfile.mkdtemp(prefix="botwatch-pool-")), ordinary_user()
    (folder / "conf").write_text(_CONF.format(server=server.folder, folder=folder))
    (folder / "users").write_text('"botwatch" ""\n')
    if user:
        shutil.chown(folder, user)
    folder.chmod(0o755)
    process = subprocess.Popen([program, "--quiet", str(folder / "conf")], user=user, cwd=folder)

    def url(name: str) -> str:
        return f"postgresql://botwatch@/{name}?host={folder}&port=6432"

    try:
        until(lambda: process.poll() is not None or _answers(url("pgbouncer")))
        assert process.poll() is None, (folder / "log").read_text()
        yield url
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
