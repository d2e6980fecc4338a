"""Answers questions about messages, users, times and bots; asks rollups first, raw rows at the edges."""
