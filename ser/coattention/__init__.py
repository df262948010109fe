"""System C: its co-attention models and their sequences, and the triplet training of its speech net."""
