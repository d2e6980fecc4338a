"""BOTWATCH_TEST_REQUIRE: no tool may be missing where everything is meant to run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .sources import ROOT

SUITE = """
import pytest

def test_with_a_missing_tool() -> None:
    pytest.skip("there is no browser")

def test_with_a_server_that_a_variable_names() -> None:
    pytest.skip("BOTWATCH_CHAT_DATA names no server")

@pytest.mark.xfail(reason="known")
def test_known_to_fail() -> None:
    assert False
"""


@pytest.mark.parametrize(
    ("setting", "closing_line"),
    [("", "2 skipped, 1 xfailed"), ("1", "1 failed, 1 skipped, 1 xfailed")],
)
def test_skip_for_a_missing_tool_fails_where_required(
    tmp_path: Path, setting: str, closing_line: str
) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.required_tools", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "BOTWATCH_TEST_REQUIRE": setting},
        capture_output=True,
        text=True,
        check=False,
    )
    assert closing_line in done.stdout.splitlines()[-1]
