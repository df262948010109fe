"""Fine-tune an audio encoder to classify recordings.

Reads wav.scp and utt2emo of the data dirs. The states of several layers are summed with learnt weights and pooled over
time; a linear layer follows. Recordings are never padded: those of a batch have the same length. The epoch is chosen on
the validation data dir; without one, the last epoch is used. An interrupted training is resumed.

<model-dir>/encoder is an encoder for extract_audio_embeddings, model.safetensors has the layers after it, and
layer_weights.tsv and .png show the weights of the layers. --test-data adds posteriors.scp, the class probabilities of
its utterances.

  python3 -m ser.bin.train_audio_encoder --config conf/audio_encoder.yaml --encoder exp/yamnet \\
    --set "model.layers='10'" --label-map conf/emotions/native.map --valid-data data/valid data/train exp/tuned
"""

import dataclasses
import logging
from pathlib import Path
from typing import Any

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    cli.add_target_options(parser)
    parser.add_argument(
        "--encoder", metavar="NAME", help="encoder to start from, name on the Hub or folder [the config's]"
    )
    parser.add_argument("--valid-data", metavar="DIR", help="data dir for validation [none: the last epoch is used]")
    parser.add_argument("--test-data", metavar="DIR", help="data dir whose class probabilities are written")
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir to train on, with wav.scp and utt2emo")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the model, to write")
    args = parser.parse_args()

    import numpy as np
    import torch

    from ser.config import load_config
    from ser.encoders import loading, net_dir
    from ser.encoders.folder import ENCODER_FOLDER
    from ser.encoders.frame_encoder import FrameEncoder
    from ser.encoders.frozen_start import FrozenStart
    from ser.encoders.layer_weights import write_layer_weights
    from ser.encoders.patch_encoder import PatchEncoder
    from ser.encoders.tuning import TunedEncoder, arrange
    from ser.encoders.tuning_config import AudioEncoderConfig
    from ser.encoders.wave_batches import WaveSource, probabilities
    from ser.examples.targets import read_targets
    from ser.files import sha256
    from ser.kaldi import ark, audio, tables
    from ser.metrics import classification
    from ser.models.lora import merge_lora
    from ser.training import model_dir, parallel
    from ser.training.fit import fit
    from ser.training.losses import classification_loss

    cli.set_num_threads(args)
    config = load_config(AudioEncoderConfig, args.config, tuple(args.set))
    if args.encoder:
        config = dataclasses.replace(config, encoder=args.encoder)
    targets = read_targets(args.data_dir, args.valid_data, args.label_map, args.soft_targets)
    folder = loading.find_encoder(config.encoder)
    encoder = loading.load_audio_encoder(config.encoder, max_seconds=max(config.data.max_seconds, 1.0))
    if not isinstance(encoder, (FrameEncoder, PatchEncoder)):
        raise SerError(f"{encoder.what}: only PyTorch nets of frames or patches can be fine-tuned; give another one")
    seed = config.fit.seed
    torch.manual_seed(seed)
    model = TunedEncoder(encoder, config.model, len(targets.classes))
    schedule = arrange(model, config.model, config.gradual, config.fit)
    # Only on a CPU: a GPU computes the frozen layers about as fast as it could load their outputs.
    keeps = model.num_frozen > 0 and parallel.pick_device(args.device).type == "cpu"

    def source(data_dir: str, utts: list[str], wanted: np.ndarray, order: int | None) -> WaveSource:
        path = Path(data_dir) / "segments"
        segments = {segment.utt: segment for segment in audio.read_segments(path)} if path.exists() else {}
        waves = tables.read_map(Path(data_dir) / "wav.scp")
        frozen = FrozenStart(encoder.model, model.num_frozen) if keeps else None
        return WaveSource(waves, segments, utts, wanted, encoder, config.data, order, frozen)

    inputs: dict[str, Any] = dict(targets.inputs)
    for what, data_dir in (("", args.data_dir), ("validation ", args.valid_data), ("test ", args.test_data)):
        for name in ("wav.scp", "segments"):
            if data_dir and (Path(data_dir) / name).exists():
                inputs[f"{what}{name}"] = Path(data_dir) / name
    digests = {f"encoder's {path.name}": sha256(path) for path in sorted(folder.glob("*")) if path.is_file()}
    if not model_dir.begin(args.model_dir, config, inputs, digests):
        return
    train = source(args.data_dir, targets.train_utts, targets.train, seed)
    valid = source(args.valid_data, targets.valid_utts, targets.valid_numbers, None) if args.valid_data else None
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    logger.info(
        "%d recordings for training (%s), %d for validation; %d of %d parameters are trained",
        len(train.utts), ", ".join(f"{name} {n}" for name, n in zip(targets.classes, targets.counts, strict=True)),
        len(targets.valid_utts), trained, sum(parameter.numel() for parameter in model.parameters()),
    )  # fmt: skip
    loss = classification_loss(config.loss, targets.counts)
    fit(model, train, valid, schedule, args.model_dir, loss, args.device)
    if not parallel.start(args.device).is_first:
        return
    kind, device = config.loss.kind, parallel.pick_device(args.device)
    if valid is not None:
        guesses = np.array([found.argmax() for _, found in probabilities(model, valid, kind, device)])
        truth = np.concatenate([targets.valid_numbers[batch] for batch in valid.plan(0)])
        confusion = classification.confusion(truth, guesses, len(targets.classes))
        logger.info(
            "%d validation recordings: UAR %.1f %% (chance %.1f %%), accuracy %.1f %%",
            len(valid.utts), 100 * classification.uar(confusion), 100 / len(targets.classes),
            100 * classification.accuracy(confusion),
        )  # fmt: skip
    if args.test_data:
        utts = list(tables.read_map(Path(args.test_data) / "utt2spk", fields=2))
        test = source(args.test_data, utts, np.zeros(len(utts), np.int64), None)
        found = dict(probabilities(model, test, kind, device))
        with ark.Writer("ark,scp:{0}.ark,{0}.scp".format(Path(args.model_dir) / "posteriors")) as writer:
            for utt in utts:
                writer.write(utt, found[utt])
    write_layer_weights(args.model_dir, model.layers, model.layer_sum.weights().tolist())
    merge_lora(model.encoder)
    net_dir.save_encoder(Path(args.model_dir) / ENCODER_FOLDER, folder, encoder)
    del model.encoder
    model_dir.save_model(args.model_dir, model, targets.classes)


if __name__ == "__main__":
    cli.run(main)
