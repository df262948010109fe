"""Published audio encoders, and our own nets, as front ends: samples in, states of each layer out."""
