"""Per-frame features of waveforms, and the waveforms' augmentation: arrays in, arrays out."""
