"""How long an environment keeps what it received."""
