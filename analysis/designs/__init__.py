"""Designs beyond variants side by side: what a plan says of them, made into results."""
