"""The agent's queue on disk: what a call accepted survives the process."""
