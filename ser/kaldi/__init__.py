"""Kaldi's files: data directories, archives, option files, trials, recordings."""
