"""I-vectors: online CMVN, training of the UBM and of the extractor, and online extraction."""
