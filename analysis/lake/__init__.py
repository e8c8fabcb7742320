"""The lake: Delta tables of Parquet, one folder per environment."""
