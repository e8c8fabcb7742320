"""Beliefs that a readout does not hold, asked for one by one of an experiment's own learners.

What the score's two questions say, how an effect goes on with the days since exposure, and what few
teams can tell. Each reads the lake once, and the models see sums alone.
"""
