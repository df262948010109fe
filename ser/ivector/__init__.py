"""Speaker vectors: online CMVN, the background model, the i-vector extractor, i-vectors as speech goes on."""
