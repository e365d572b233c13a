"""Experiments: many runs, their records, and what the records say. One way only:

jobs -> runs -> records in data/results -> statistics -> tables and verdicts.

`jobs.py` says which runs a table needs, `locks.py` that no two programs do the same one,
`worker.py` does one, `runner.py` does many.
No number leaves here that is neither a record's nor a paper's.
"""
