"""Extracts: all relations of an audience as files, over the login of whoever they are for.

`extract.write_extracts` is where to begin; nothing is imported here, so that the command line can
name the formats without what writes them.
"""
