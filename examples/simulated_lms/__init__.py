"""A simulated learning platform whose truth is known: what ``momentum demo`` watches."""
