"""Scheduled summaries for people."""
