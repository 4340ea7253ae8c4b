"""What dbt's manifest promises of everything that is published: marts and functions."""
