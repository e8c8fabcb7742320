"""Telling people: an outbox and its channels."""
