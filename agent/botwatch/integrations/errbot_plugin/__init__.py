"""Errbot: where its plugin is, for BOT_EXTRA_PLUGIN_DIR.

Not an entry point: for each one errbot puts every folder of the package on Python's path.
"""

from pathlib import Path

FOLDER = str(Path(__file__).parent)
