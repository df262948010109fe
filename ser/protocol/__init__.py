"""Evaluation protocol: the audit of training against test data, the protocol card of a run, human agreement."""
