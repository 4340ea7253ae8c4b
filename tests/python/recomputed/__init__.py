"""The advocacy marts recomputed from the CSV files with pandas, apart from the SQL models."""
