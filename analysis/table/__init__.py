"""A decision from any CSV or Parquet file, one row a unit."""
