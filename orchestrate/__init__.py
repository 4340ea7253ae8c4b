"""The runner of Casebook: loads exports, builds with dbt, publishes and renders."""

__version__ = "0.1.0"
