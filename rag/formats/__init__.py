"""Files to Documents: one reader for each format, and the one place that knows which reads what."""
