"""xAPI: a statement store, and each statement an event."""
