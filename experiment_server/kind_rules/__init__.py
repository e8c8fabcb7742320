"""Kind rules: which of our event kinds an xAPI or Caliper action is, per environment."""
