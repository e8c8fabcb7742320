"""Experiments: design and life cycle."""
