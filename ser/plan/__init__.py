"""Plan a run: derive its corpora, roles, folders and jobs from its options before anything runs."""
