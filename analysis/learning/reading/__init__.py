"""How the questions read the lake: history, shares with intervals, survival, funnels."""
