"""One thin command a step: ``python3 -m ser.bin.<verb_noun>``."""
