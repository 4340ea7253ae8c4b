"""Generators of the sample exports under `seeds/residency` and `seeds/advocacy`.

`python -m tools.samples` (`make sample`) writes the nine files byte for byte as committed.
Nothing in them describes a real person: billing codes, their work values, clinical codes, payers'
names and names of towns are public facts, everything else is drawn.
"""
