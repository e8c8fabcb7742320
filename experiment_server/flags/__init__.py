"""Flags and their rules per environment."""
