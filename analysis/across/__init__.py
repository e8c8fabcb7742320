"""What several experiments, or several outcomes of one, say together."""
