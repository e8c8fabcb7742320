"""Metric definitions, as data."""
