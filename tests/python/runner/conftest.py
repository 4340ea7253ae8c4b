"""A tiny Casebook for the tests here."""

from tiny import tiny, tiny_server

__all__ = ["tiny", "tiny_server"]
