"""A tiny Casebook for the tests here, on the embedded server or on the system's PostgreSQL 15."""

from postgres15 import postgres15_cluster
from tiny import tiny, tiny_server

__all__ = ["postgres15_cluster", "tiny", "tiny_server"]
