"""Back end: LDA, PLDA and scores of embeddings; arrays in, arrays out."""
