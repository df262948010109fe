"""Text models: fine-tuning a text encoder (such as BERT) to classify emotion, and text vectors of utterances."""
