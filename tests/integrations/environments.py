"""Virtual environments for frameworks whose requirements clash with ours, each with this checkout's agent.

They are made at the first use and kept below .venv, so that the next run installs nothing.
"""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".venv" / "environments"
INSTALL_TIMEOUT_S = 600


def python_with(*requirements: str, kept: Path = KEPT) -> Path:
    """The interpreter of an environment that has these packages. Safe to call from several processes."""
    wanted = [*requirements, *agent_requirements()]
    folder = kept / fingerprint(wanted)
    with locked(folder.with_suffix(".lock")):
        if not (folder / "complete").exists():
            make(folder, wanted)
    return folder / "bin" / "python"


def agent_requirements() -> list[str]:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup["options"]["install_requires"].split()


def fingerprint(requirements: Sequence[str]) -> str:
    """What an environment depends on; it does not survive a move of the checkout."""
    parts = (sys.version, str(ROOT), *sorted(requirements))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Held by one process at a time; given up also when that process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(folder: Path, requirements: Sequence[str]) -> None:
    run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder))
    python = str(folder / "bin" / "python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *requirements)
    # Our own installation would build the web pages' assets too, which no bot needs.
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "botwatch-checkout.pth").write_text(f"{ROOT / 'agent'}\n")
    (folder / "complete").touch()


def run(*command: str) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=INSTALL_TIMEOUT_S
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
