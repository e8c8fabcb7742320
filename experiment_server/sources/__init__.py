"""Sources: tables of a company's own that experiments are read from."""
