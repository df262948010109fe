"""Evaluation protocol: the audit of test data against training data, the protocol card of a run, human agreement."""
