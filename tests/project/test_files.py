"""What the repository holds, and what it does not: third-party assets, download addresses, private paths."""

import json
import re
from configparser import ConfigParser

import pytest

from botwatch.version import VERSION

from .sources import ROOT, tracked_files, tracked_text

DOWNLOAD_ADDRESS = re.compile(
    r"registry\.npmjs|registry\.yarnpkg|pypi\.org|pythonhosted\.org|deb\.debian|jsdelivr\.net|unpkg\.com"
)
PRIVATE_PATH = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+)/")


@pytest.fixture(scope="module")
def setup_cfg() -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_no_third_party_asset_is_in_git() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked_files()]
    assert [name for name in names if "/vendor/" in name or "node_modules" in name or ".min." in name] == []


def test_no_file_names_a_package_registry() -> None:
    assert [name for name, text in tracked_text() if DOWNLOAD_ADDRESS.search(text)] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert [name for name, text in tracked_text() if PRIVATE_PATH.search(text)] == []


def test_web_packages_are_pinned_with_their_checksums() -> None:
    wanted = json.loads((ROOT / "web" / "package.json").read_text())["dependencies"]
    locked = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in package for name, package in locked.items() if name)


def test_version_stands_in_one_place() -> None:
    places = ("agent/", "collector/", "web/", "build_backend/", "setup.cfg", "pyproject.toml")
    literal = re.compile(rf"(?<![\w.]){re.escape(VERSION)}(?![\w.])")
    found = [name for name, text in tracked_text() if name.startswith(places) and literal.search(text)]
    assert found == ["agent/botwatch/version.py"]


def test_every_package_is_installed(setup_cfg: ConfigParser) -> None:
    listed = setup_cfg["options"]["packages"].split()
    folders = [path.parent for path in tracked_files() if path.name == "__init__.py"]
    names = [folder.relative_to(ROOT).as_posix() for folder in folders]
    packages = [
        name.split("/", 1)[1].replace("/", ".") for name in names if name.startswith(("agent/", "collector/"))
    ]
    assert sorted(listed) == sorted([*packages, "botwatch_web", "botwatch_sql"])
