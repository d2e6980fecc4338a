"""Receives and stores what agents send."""
