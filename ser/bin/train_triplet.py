"""Train an audio encoder on speech without labels by a triplet loss.

The loss makes embeddings of windows of one clip (an utterance with its copies, utt2uniq) similar, and those of
different recordings dissimilar. Reads the log-mel energies of a data dir (feats.scp). Which clips are of one recording
is told by the table --recordings, or else by the data dir's utt2dialogue (of VoxCeleb: the video), or else by its
segments; without any of them each clip is a recording. Utterances that are not longer than a window are skipped and
counted. An interrupted training is resumed.

<model-dir> has the net without its projection to the unit sphere, for `extract_audio_embeddings --encoder <model-dir>`.

  python3 -m ser.bin.train_triplet --config conf/coattention/triplet.yaml --valid-data data/voxceleb1_valid \\
    data/voxceleb1 exp/triplet
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    parser.add_argument(
        "--recordings", metavar="FILE", help="lines '<utterance> <recording>' [utt2dialogue or segments]"
    )
    parser.add_argument("--valid-data", metavar="DIR", help="data dir for validation [none: the last epoch is used]")
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir to train on, with feats.scp")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the net, to write")
    args = parser.parse_args()

    import torch

    from ser.coattention.triplet_config import TripletConfig, make_triplet_net
    from ser.coattention.triplets import MeanTripletLoss
    from ser.coattention.windows import WindowSource, clips_and_recordings, read_recordings, recordings_table
    from ser.config import load_config
    from ser.examples.targets import check_apart
    from ser.kaldi import tables
    from ser.kaldi.ark import Reader
    from ser.record.fingerprint import fingerprint
    from ser.training import model_dir, parallel
    from ser.training.fit import fit

    cli.set_num_threads(args)
    config = load_config(TripletConfig, args.config, tuple(args.set))
    seed = config.fit.seed
    inputs: dict[str, str | Path] = {}

    def read(data_dir: str, order: int | None, what: str) -> WindowSource:
        utts = list(tables.read_map(Path(data_dir) / "utt2spk", fields=2))
        path = Path(data_dir) / "utt2uniq"
        originals = tables.read_map(path, fields=2) if path.exists() else {}
        reader = Reader(Path(data_dir) / "feats.scp")
        if told := args.recordings or recordings_table(data_dir):
            inputs[what] = told
        table = read_recordings(told) if told else None
        source = WindowSource(reader, *clips_and_recordings(utts, originals, table), config.data, order)
        logger.info(
            "%s: %d clips of %d recordings (%s); %d of %d utterances are not longer than a window and are skipped",
            data_dir, len(source.members), source.num_recordings, told or "each clip is one", source.num_short,
            len(utts),
        )  # fmt: skip
        return source

    train = read(args.data_dir, seed, "recordings")
    valid = read(args.valid_data, None, "validation recordings") if args.valid_data else None
    digests = {"features": fingerprint(args.data_dir)}
    if valid is not None:
        check_apart(args.data_dir, list(train.frames), args.valid_data, list(valid.frames))
        digests["validation features"] = fingerprint(args.valid_data)
    process = parallel.start(args.device)
    for source in filter(None, (train, valid)):
        source.check_processes(process.world)
    if not model_dir.begin(args.model_dir, config, inputs, digests):
        return
    torch.manual_seed(seed)
    model = make_triplet_net(config)
    model = fit(model, train, valid, config.fit, args.model_dir, MeanTripletLoss(config.loss), args.device)
    if process.is_first:
        model_dir.save_model(args.model_dir, model.net, [])


if __name__ == "__main__":
    cli.run(main)
