"""What the owner takes away: the answers in three forms, and two files that say what they mean.

rows.py      a rating database → rows and facts     formats.py   rows as CSV, JSON Lines, Parquet
codebook.py  what every column means and holds      heds.py      the human-evaluation datasheet
files.py     all of them, by the name of the file
"""
