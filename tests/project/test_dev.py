"""./dev and .ci/run as a newcomer calls them."""

import importlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .sources import ROOT


def dev(*arguments: str, folder: Path = ROOT, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", str(folder / "dev"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_dev_alone_says_what_it_can_do() -> None:
    shown = dev()
    assert shown.returncode == 0
    for command in ("demo", "run", "test", "lint", "bench"):
        assert f"./dev {command}" in shown.stdout


def test_unknown_command_is_refused_with_the_known_ones() -> None:
    refused = dev("deploy")
    assert refused.returncode == 2
    assert "./dev demo" in refused.stderr


def test_missing_python_is_named(tmp_path: Path) -> None:
    shutil.copy(ROOT / "dev", tmp_path)
    refused = dev("demo", folder=tmp_path, PYTHON="no-such-python")
    assert refused.returncode == 1
    assert "Python 3.11 or newer is missing" in refused.stderr


def test_missing_venv_module_is_named(tmp_path: Path) -> None:
    shutil.copy(ROOT / "dev", tmp_path)
    python = tmp_path / "python-without-venv"
    python.write_text('#!/bin/sh\ncase "$2" in *venv*) exit 1 ;; esac\n')
    python.chmod(0o755)
    refused = dev("demo", folder=tmp_path, PYTHON=str(python))
    assert refused.returncode == 1
    assert "python3-venv" in refused.stderr


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "tests" / "bench").glob("[a-z]*.py")))
def test_benchmark_can_be_started(name: str) -> None:
    importlib.import_module(f"tests.bench.{name}")


def test_benchmarks_are_listed_and_an_unknown_one_is_refused() -> None:
    shown = dev("bench")
    assert shown.returncode == 0
    listed = shown.stdout.split()
    for path in (ROOT / "tests" / "bench").glob("[a-z]*.py"):
        assert path.stem in listed
    refused = dev("bench", "no-such-benchmark")
    assert refused.returncode == 1
    assert "no-such-benchmark" in refused.stderr


def test_scripts_are_executable_and_parse() -> None:
    for shell, script in (("sh", ROOT / "dev"), ("bash", ROOT / ".ci" / "run")):
        assert os.access(script, os.X_OK)
        subprocess.run([shell, "-n", str(script)], check=True)
