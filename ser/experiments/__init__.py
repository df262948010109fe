"""A declared grid of experiments: its cells, the artefacts that they share, and what of them is still to be made."""
