"""Training: batches of examples, loss functions, the one training loop, checkpoints, folders of trained models."""
