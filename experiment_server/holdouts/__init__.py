"""Holdouts: a share of the units that stays out of every experiment."""
