"""Ratios against named alternatives, measured in one run: `make bench`."""
