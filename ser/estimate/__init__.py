"""Estimate the disk space and computing time of a run before anything runs."""
