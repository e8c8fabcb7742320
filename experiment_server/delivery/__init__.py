"""Definitions on their way to the SDKs."""
