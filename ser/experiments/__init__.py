"""Grids of experiments: their cells, the artefacts that cells share, and the plan of what is still to be made."""
