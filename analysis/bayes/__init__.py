"""Beliefs: priors learned from the past, pooling, and the models that need sampling.

Importing the package loads nothing heavy; pymc and nutpie are loaded by who samples.
"""
