"""What an xAPI statement is: its grammar, its people and things, its formats. No store, no web."""
