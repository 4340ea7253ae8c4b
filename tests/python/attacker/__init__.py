"""An attacker with linear programming on the counts of other people that are published.

It reads what logins read. On top of that it is told more than any reader is: of each suppressed row
whether it holds few patients or only protects others.
"""
