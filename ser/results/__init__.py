"""The folder of each cell of the results table, its row, and the tables made of them."""
