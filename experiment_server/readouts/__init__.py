"""Stored readouts."""
