"""dbt, driven from here alone, and what it says about the project."""
