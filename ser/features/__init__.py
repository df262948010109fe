"""Per-frame features of waveforms, and augmentation of waveforms: arrays in, arrays out."""
