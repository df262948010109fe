"""The report of a run: one page, its pictures and their numbers."""
