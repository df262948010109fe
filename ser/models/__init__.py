"""The networks: arrays of frames in, embeddings and logits out."""
