"""The service: API, store, schedule, pages."""
