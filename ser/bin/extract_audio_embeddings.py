"""Write the embeddings of recordings by an audio encoder, at any of its layers, in one pass for all layers.

Writes <dir>/<layer>.ark and .scp: for each utterance a vector, the mean of its states (--pool mean_std: with their
standard deviation), or a matrix with a row per frame or patch. The layers of a transformer are 0 (the input of its
first block), 1 to the number of blocks, and `final`, its last hidden state. Those of YAMNet are 1 to 14, the mean of a
layer's output over time and frequency, and `final`, the input of its classifier.

An encoder is given as a name on the Hub, as a folder of the transformers library or of emotion2vec, as a folder of
import_audio_net, train_audio_encoder, train_triplet or train_xvector, or as a detector of system B, whose recogniser
has the layers layer1, layer2 ..., prefinal and `final`, the last of them.

  python3 -m ser.bin.extract_audio_embeddings --encoder exp/yamnet --layers "10 final" --level utterance \\
    scp:data/ravdess/wav.scp exp/yamnet_ravdess
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ser import cli
from ser.errors import SerError

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--encoder", required=True, metavar="NAME", help="name on the Hub, or folder")
    parser.add_argument(
        "--layers", metavar="'NAME ...'", default="final", help='layers to write, such as "0 6 final" [%(default)s]'
    )
    parser.add_argument(
        "--level",
        choices=("utterance", "frame", "patch"),
        default="utterance",
        help="whether each utterance, frame or patch gets a vector [%(default)s]",
    )
    parser.add_argument(
        "--pool",
        choices=("mean", "mean_std"),
        default="mean",
        help="how the rows of an utterance become one vector [%(default)s]",
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="keep every N-th frame or patch [%(default)s]"
    )
    parser.add_argument(
        "--compress", type=cli.boolean, default=False,
        help="store frames and patches in one byte per value, like Kaldi's features [%(default)s]",
    )  # fmt: skip
    parser.add_argument(
        "--max-seconds", metavar="X", type=float, default=30.0, help="cut recordings longer than this [%(default)s]"
    )
    parser.add_argument(
        "--front-end",
        metavar="DIR",
        default="conf",
        help="folder with the feature options for an x-vector net [%(default)s]",
    )
    parser.add_argument("--segments", metavar="FILE", help="segments file, if utterances are parts of recordings")
    parser.add_argument("--job", metavar="N", help="number of this job; the files are then <layer>.<job>.ark and .scp")
    cli.add_left_out_options(parser)
    parser.add_argument(
        "--check-disk", type=cli.boolean, default=True,
        help="refuse to start if the disk is too small for the frames or patches [%(default)s]",
    )  # fmt: skip
    cli.add_done_option(parser)
    cli.add_device_options(parser)
    parser.add_argument(
        "wav_rspecifier", metavar="<wav-rspecifier>", help="wav.scp of the recordings, such as scp:data/wav.scp"
    )
    parser.add_argument("dir", metavar="<dir>", help="folder to write")
    args = parser.parse_args()
    if args.every < 1:
        raise SerError(f"--every {args.every}: give 1 or more")

    # The small products of the log-mel energies gain nothing by threads. Must be set before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from ser.encoders.folder import encoder_files
    from ser.encoders.loading import find_encoder
    from ser.record.job_note import JobNote

    out, suffix = Path(args.dir), f".{args.job}" if args.job else ""
    layers = args.layers.replace(",", " ").split()
    stems = {layer: out / f"{layer}{suffix}" for layer in layers}
    files = encoder_files(find_encoder(args.encoder))
    outputs = [f"{stem}.{kind}" for stem in stems.values() for kind in ("ark", "scp")]
    inputs = [*files, args.segments]
    note = JobNote(__spec__.name, args, inputs, [args.wav_rspecifier], [*outputs, args.left_out])
    if note.is_valid():
        return

    from ser.encoders.audio_encoder import check_layers, check_level, pool_rows
    from ser.encoders.disk import check_room
    from ser.encoders.loading import load_audio_encoder
    from ser.kaldi import ark, audio
    from ser.kaldi.left_out import LeftOut
    from ser.training.parallel import pick_device

    cli.set_num_threads(args)
    encoder = load_audio_encoder(args.encoder, pick_device(args.device), args.max_seconds, _front_end(args.front_end))
    check_layers(encoder, layers)
    check_level(encoder, args.level)
    if args.level != "utterance" and args.check_disk:
        size = 1 if args.compress else 4
        check_room(out, args.wav_rspecifier, args.segments, encoder, len(layers) * size / args.every)
    left_out = LeftOut(args.left_out, args.max_left_out)

    def waves() -> Iterator[tuple[str, "np.ndarray"]]:
        for utt, samples in audio.read_waves(args.wav_rspecifier, encoder.sample_rate, args.segments):
            if isinstance(samples, audio.Unreadable):
                left_out.add(utt, samples.reason)
            else:
                yield utt, samples

    written = 0
    with contextlib.ExitStack() as stack:
        writers = {
            layer: stack.enter_context(ark.Writer(f"ark,scp:{stem}.ark,{stem}.scp", 1 if args.compress else 0))
            for layer, stem in stems.items()
        }
        for utt, states in cli.progress(encoder.encode(waves(), layers), None, "utterances"):
            if isinstance(states, SerError):
                left_out.add(utt, str(states))
                continue
            for layer, writer in writers.items():
                rows = states[layer]
                writer.write(utt, pool_rows(rows, args.pool) if args.level == "utterance" else rows[:: args.every])
            written += 1
        count = left_out.finish(written)
    note.write()
    logger.info(
        "%s: %s of %d utterances at %s; %d left out, %d shorter than one %s (padded), %d cut into windows",
        out, "vectors" if args.level == "utterance" else "matrices", written, " ".join(layers), count,
        encoder.num_padded, encoder.row, encoder.num_windowed,
    )  # fmt: skip


def _front_end(folder: str) -> "Callable[[np.ndarray], np.ndarray]":
    """Make the function from samples to features that an x-vector net needs; it reads its options when it is called."""

    def features(samples: "np.ndarray") -> "np.ndarray":
        import numpy as np

        from ser.detect.front_end import FrontEnd

        if "front_end" not in loaded:
            loaded["front_end"] = FrontEnd.load(Path(folder))
        return np.concatenate([block.features for block in loaded["front_end"].blocks([samples])])

    loaded: dict = {}
    return features


if __name__ == "__main__":
    cli.run(main)
