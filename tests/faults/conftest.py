"""No tests of pytest's: inject_faults.py runs them."""

collect_ignore_glob = ["*.py"]
