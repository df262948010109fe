"""Corpora as they are distributed, read into utterance records; and the toy ones, written in the same layouts."""
