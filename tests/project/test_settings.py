"""Settings: read in one place of each program, and documented, each of them and no other."""

from pathlib import Path

from .sources import PACKAGES, ROOT, SETTING, modules, settings_named_in, settings_read_in

PAGE = ROOT / "docs" / "environment.md"
PRODUCT = [path for package in PACKAGES for path in modules(package).values()]


COMMANDS = PACKAGES["botwatch"] / "cli"  # each a program of its own, whose options win over its variables


def reads_settings(path: Path) -> bool:
    return path.stem == "config" or path.is_relative_to(COMMANDS)


def documented() -> set[str]:
    """Settings in the first column of the page's tables."""
    cells = (
        line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")
    )
    return {name for cell in cells for name in SETTING.findall(cell)}


def used_by_tests() -> set[str]:
    scripts = [ROOT / ".ci" / "run", ROOT / "dev", *(ROOT / "tests").rglob("*.py")]
    names = {name for path in scripts for name in SETTING.findall(path.read_text(encoding="utf-8"))}
    return {name for name in names if name.startswith("BOTWATCH_TEST_") or name == "BOTWATCH_CHAT_DATA"}


def test_settings_are_read_in_config_modules_only() -> None:
    others = [path for path in PRODUCT if not reads_settings(path)]
    assert {path: names for path in others if (names := settings_read_in(path))} == {}


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    read = {name for path in PRODUCT if reads_settings(path) for name in settings_named_in(path)}
    in_code = read | used_by_tests()
    assert without_file(documented()) == without_file(in_code)


def without_file(names: set[str]) -> set[str]:
    """A secret's ..._FILE stands beside it in the same row."""
    return {name.removesuffix("_FILE") for name in names}
