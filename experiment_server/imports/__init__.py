"""Files in: events, outcomes and learners from CSV, JSON lines and Parquet."""
