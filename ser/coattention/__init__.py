"""System C: co-attention models, their input sequences, and the triplet training of an audio encoder."""
