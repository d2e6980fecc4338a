"""The agent and its peers, each measured by the same code in a process of its own."""
