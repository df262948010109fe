"""Speech recognition: lexica and language models, LF-MMI training, decoding and word error rates."""
