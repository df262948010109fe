"""Back end: LDA, PLDA and scoring of embeddings; arrays in, arrays out."""
