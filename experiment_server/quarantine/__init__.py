"""Quarantine: what came in and was not taken, kept with its reason until somebody settles it."""
