"""Reads the project's own files: which there are, what a module imports, which settings it names."""

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "botwatch": ROOT / "agent" / "botwatch",
    "botwatch_collector": ROOT / "collector" / "botwatch_collector",
}
SETTING = re.compile(r"BOTWATCH_[A-Z0-9]+(?:_[A-Z0-9]+)*")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git tracks, or would with the next commit of everything."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = sorted({ROOT / name for name in listed.stdout.split("\0") if name})
    return tuple(path for path in paths if path.is_file())


def tracked_text() -> Iterator[tuple[str, str]]:
    """Every tracked text file's path from the root, and its text."""
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def modules(package: str) -> dict[str, Path]:
    """The modules of one of our packages by their dotted name."""
    folder = PACKAGES[package]
    return {_dotted(package, path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}


def imports_of(name: str, path: Path) -> set[str]:
    """Dotted names that a module imports, anywhere in it; `from a import b` counts as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(name, path, node)
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


def settings_named_in(path: Path) -> set[str]:
    """The BOTWATCH_... names that stand as whole strings in a module."""
    return _settings(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def settings_read_in(path: Path) -> set[str]:
    """Those of them that are looked up: `x["NAME"]`, `x.get("NAME")`, `getenv("NAME")`, `envvar="NAME"`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            found |= _settings([node.slice])
        elif isinstance(node, ast.Call):
            named = [keyword.value for keyword in node.keywords if keyword.arg == "envvar"]
            found |= _settings([*node.args[:1], *named])
    return found


def _settings(nodes: Iterable[ast.AST]) -> set[str]:
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and SETTING.fullmatch(text)}


def _dotted(package: str, relative: Path) -> str:
    parts = [package, *relative.with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _origin(name: str, path: Path, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)
