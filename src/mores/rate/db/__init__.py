"""The rating database: SQLite by default, PostgreSQL for teams. One writer, append-only answers.

tables.py      what is stored            engine.py    connections and the write lock
migrations/    how the schema changes    setup.py     a study's items and seats → a database
raters.py      links, sessions, people   work.py      the contract: claim and submit
audit.py       the hash-chained log      progress.py  figures without arms
backup.py      copies that were rehearsed             checks.py   the machine
"""
