"""Caliper: envelopes of events from an LMS."""
