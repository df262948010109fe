"""Corpora as they are distributed, read into utterance records."""
