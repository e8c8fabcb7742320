"""What it did: from a lake to estimates, checks and a decision. Knows nothing of web or store.

Importing this package, ``analysis.plan``, ``analysis.results`` or ``analysis.answers`` loads no
engine; ``analysis.readout.run_readout`` loads one when it runs.
"""
