"""What makes a result honest: the audit of training against test, the card of a run, the human yardstick."""
