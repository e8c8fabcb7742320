"""Bandits: shares that follow the evidence, one batch after another."""
