"""Synthetic toy corpora in the layouts of the real ones: source-filter speech, and sentences of small grammars."""
