"""The normal quantile that half of all tests and intervals here are made with."""

from typing import Final

Z95: Final = 1.959963984540054
"""So many standard errors either way hold 95 %; 2.5 % lie beyond on each side."""
