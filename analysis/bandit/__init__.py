"""Bandits: shares that follow the evidence, batch by batch, and inference that stays valid."""
