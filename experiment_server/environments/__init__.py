"""Environments and the keys that open them."""
