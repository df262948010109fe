"""The report of a run: a page, its pictures, and the numbers in them."""
