"""Audio encoders, published ones and our own nets, as front ends: samples in, hidden states of each layer out."""
