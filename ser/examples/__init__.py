"""Training examples: batches of chunks, clips, dialogues or frames from archives, their targets, and the settings."""
