"""Published results, computed again: our figures beside those in print."""
