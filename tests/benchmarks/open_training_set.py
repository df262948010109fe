"""Open a training set and draw its first batch: python3 tests/benchmarks/open_training_set.py <data-dir>."""

import json
import sys
from pathlib import Path

from ser.config import load_config
from ser.examples.chunks import ChunkSource
from ser.examples.configs import TrainConfig
from ser.examples.utterances import load_utterances, split_off_validation


def main() -> None:
    data_dir = Path(sys.argv[1])
    config = load_config(TrainConfig, "conf/xvector_pretrain.yaml")
    utterances = load_utterances(data_dir, data_dir / "utt2spk", config.data.min_frames, config.data.min_utts_per_class)
    train, _ = split_off_validation(utterances, data_dir, config.data.valid_fraction, seed=0)
    inputs, _ = next(ChunkSource(train, config.data, seed=0, training=True).batches(0))
    print(json.dumps({"utterances": len(utterances.keys), "batch": list(inputs.shape)}))


if __name__ == "__main__":
    main()
