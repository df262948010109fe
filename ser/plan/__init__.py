"""What a run will do: its corpora, roles, folders and jobs, before anything runs."""
