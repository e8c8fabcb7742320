"""Planning: how many units, how long, and what could be found, for every design."""
