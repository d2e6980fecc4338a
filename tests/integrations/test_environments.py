"""The environments that other tests run frameworks in: whole, with this checkout's agent, made once."""

import subprocess
import sys

from .environments import ROOT, agent_requirements, fingerprint

MAKE = """
import sys
from pathlib import Path
from tests.integrations import environments

make = environments.make
environments.make = lambda *arguments: (print("made"), make(*arguments))
python = environments.python_with("six", kept=Path(sys.argv[1]))
print(python)
"""


def test_two_processes_make_one_environment_with_the_checkouts_agent(tmp_path):
    command = [sys.executable, "-c", MAKE, str(tmp_path)]
    makers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    words = [word for maker in makers for word in maker.communicate(timeout=120)[0].split()]

    python = str(tmp_path / fingerprint(["six", *agent_requirements()]) / "bin" / "python")
    assert sorted(words) == sorted(["made", python, python])
    script = "import six, requests, psutil, botwatch; print(botwatch.__file__)"
    found = subprocess.run([python, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert found.stdout.strip() == str(ROOT / "agent" / "botwatch" / "__init__.py")


def test_environment_cut_short_is_made_again(tmp_path):
    folder = tmp_path / fingerprint(["six", *agent_requirements()])
    (folder / "bin").mkdir(parents=True)

    subprocess.run([sys.executable, "-c", MAKE, str(tmp_path)], cwd=ROOT, check=True, timeout=120)

    subprocess.run([folder / "bin" / "python", "-c", "import six, botwatch"], check=True, timeout=60)
