"""Cells of the results table: the folder of each, its row, and the tables that are made of the rows."""
