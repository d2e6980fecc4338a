"""What `sopel start` does, but as root too, which tests in a container are. Argument: its configuration."""

import sys

from sopel.cli.run import run
from sopel.config import Config

sys.exit(run(Config(sys.argv[1]), pid_file=None))
