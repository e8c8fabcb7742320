"""Momentum: the client."""
