"""Synthetic corpora in the layouts of the real ones: speech of harmonics and formants, words of small grammars."""
