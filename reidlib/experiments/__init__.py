"""Experiments: many runs, their records, and what the records say. One way only:

jobs -> runs -> records in data/results -> statistics -> tables and verdicts.

`jobs.py` says which runs a table needs, `data.py` on what, `recorded.py` which are done, `locks.py`
that no two programs do the same one, `worker.py` does one, `runner.py` does many. `evidence.py`
reads the records; `findings.py` judges one comparison, `verdicts.py` a claim, `tables.py` a row.
`writing.py`, `scene_sheets.py` and `printed_sheets.py` put all that into words, with `cells.py`.
No number leaves here that is neither a record's nor a paper's.
"""
