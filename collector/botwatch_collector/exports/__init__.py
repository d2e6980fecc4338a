"""Everything that was recorded, to take elsewhere."""
