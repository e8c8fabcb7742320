"""Replays: what waits in quarantine or in the statement store, through its parser again."""
