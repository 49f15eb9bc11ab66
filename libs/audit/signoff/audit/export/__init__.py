"""The log as files: JSON lines or Parquet, by days, going on where the last time ended."""
