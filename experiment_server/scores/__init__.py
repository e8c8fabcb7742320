"""Energize Score versions: calibrated, frozen, explained."""
