"""The residency sample: the studies that the residents of a radiology program read."""
