"""Removing one learner for good, wherever the server keeps anything of them."""
