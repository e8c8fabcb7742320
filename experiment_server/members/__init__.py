"""People who log in here, with a role."""
