"""How the collector itself is doing, and what keeps its database quick."""
