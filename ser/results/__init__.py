"""Cells of the results table: the folder of each cell, its row, and the tables that are made from the rows."""
