"""Write the embeddings of recordings that an audio encoder gives, at any of its layers, all layers in one pass.

<dir>/<layer>.ark and .scp: one vector an utterance, the mean over its rows (--pool mean_std: and their standard
deviation), or one matrix with a row a frame or a patch. Layers of encoders of transformers are 0 (what goes into the
first block) to their number, and `final`, the last hidden state; of YAMNet 1 to 14, the mean over time and frequency
of their output, and `final`, what its classifier sees. An encoder is a name of the Hub, a folder of transformers or of
emotion2vec, or of import_audio_net, train_audio_encoder, train_triplet, train_xvector.

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
    parser.add_argument("--encoder", required=True, metavar="NAME", help="name of the Hub, or folder")
    parser.add_argument(
        "--layers", metavar="'NAME ...'", default="final", help='layers to write, such as "0 6 final" [%(default)s]'
    )
    parser.add_argument(
        "--level", choices=("utterance", "frame", "patch"), default="utterance", help="what gets a vector [%(default)s]"
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
        help="store frames and patches with a byte a number, as Kaldi's features [%(default)s]",
    )  # fmt: skip
    parser.add_argument(
        "--max-seconds", metavar="X", type=float, default=30.0, help="cut recordings longer than this [%(default)s]"
    )
    parser.add_argument(
        "--front-end", metavar="DIR", default="conf", help="options of the features of an x-vector net [%(default)s]"
    )
    parser.add_argument("--segments", metavar="FILE", help="the utterances are parts of the recordings")
    parser.add_argument("--job", metavar="N", help="number of this job; the files are then <layer>.<job>.ark and .scp")
    cli.add_left_out_options(parser)
    parser.add_argument(
        "--check-disk", type=cli.boolean, default=True,
        help="refuse to begin where the disk has too little room for frames or patches [%(default)s]",
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

    # The small products of the log mel energies gain nothing by threads. Must be set before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from ser.encoders.loading import find_encoder
    from ser.record.job import Job

    out, suffix = Path(args.dir), f".{args.job}" if args.job else ""
    layers = args.layers.replace(",", " ").split()
    stems = {layer: out / f"{layer}{suffix}" for layer in layers}
    files = sorted(find_encoder(args.encoder).glob("*"))
    outputs = [f"{stem}.{kind}" for stem in stems.values() for kind in ("ark", "scp")]
    inputs = [*files, args.segments]
    job = Job(__spec__.name, args, inputs, [args.wav_rspecifier], [*outputs, args.left_out])
    if job.is_valid():
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
    job.write()
    logger.info(
        "%s: %s of %d utterances at %s; %d left out, %d shorter than one %s (padded), %d cut into windows",
        out, "vectors" if args.level == "utterance" else "matrices", written, " ".join(layers), count,
        encoder.num_padded, encoder.row, encoder.num_windowed,
    )  # fmt: skip


def _front_end(folder: str) -> "Callable[[np.ndarray], np.ndarray]":
    """Make the function of samples to features that an x-vector net needs; its options are read when it is called."""

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
