"""Training: chunks from archives, the one loop, checkpoints, the folder of a trained model."""
