"""Tables that a company already has, read in place: exposures, facts, outcomes, learners."""
