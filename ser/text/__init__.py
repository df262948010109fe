"""Text models: a BERT fine-tuned to classify emotion, and one vector an utterance from it."""
