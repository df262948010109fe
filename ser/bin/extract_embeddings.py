"""Extract embeddings of utterances, one vector for each segment-level layer, all layers in one pass.

Writes <out-dir>/<layer>.ark and .scp: the affine output before the ReLU, over the whole utterance, as Kaldi's
nnet3-xvector-compute does. The result of an utterance does not depend on the others in its batch.

  python3 -m ser.bin.extract_embeddings --layers tdnn6,tdnn7 exp/toy/xvector_finetune \\
    scp:data/toy/cremad_prepared/feats.scp exp/toy/embeddings/cremad
"""

import contextlib
import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--layers", metavar="NAME,...", help="layers to write [every tdnn layer after the pooling]")
    parser.add_argument(
        "--min-frames", metavar="N", type=int, default=25, help="pad utterances shorter than this [%(default)s]"
    )
    parser.add_argument(
        "--max-frames",
        metavar="N",
        type=int,
        default=10_000,
        help="average longer utterances over pieces of this length [%(default)s]",
    )
    parser.add_argument("--job", metavar="N", help="number of this job; the files are then <layer>.<job>.ark and .scp")
    cli.add_max_left_out(parser)
    cli.add_done_option(parser)
    cli.add_device_options(parser)
    parser.add_argument("model_dir", help="folder of the x-vector net", metavar="<model-dir>")
    parser.add_argument("feats_rspecifier", help="features ready for the net", metavar="<feats-rspecifier>")
    parser.add_argument("out_dir", help="folder to write", metavar="<out-dir>")
    args = parser.parse_args()

    from ser.record.job_note import JobNote

    if args.done and not args.layers:
        raise SerError("--done: needs --layers, the names of the files to look for")
    out, suffix = Path(args.out_dir), f".{args.job}" if args.job else ""
    outputs = [out / f"{layer}{suffix}.{kind}" for layer in (args.layers or "").split(",") for kind in ("ark", "scp")]
    note = JobNote(__spec__.name, args, sorted(Path(args.model_dir).glob("*")), [args.feats_rspecifier], outputs)
    if note.is_valid():
        return

    from ser.kaldi import ark
    from ser.kaldi.feats import read_features
    from ser.kaldi.left_out import LeftOut
    from ser.models.xvector import XVector, XVectorConfig, embed_utterance
    from ser.training import model_dir, parallel

    cli.set_num_threads(args)
    config = model_dir.load_section(args.model_dir, "model", XVectorConfig)
    model = XVector.from_weights(config, model_dir.load_weights(args.model_dir))
    model = model.to(parallel.pick_device(args.device))
    layers = args.layers.split(",") if args.layers else model.segment_layers
    model.check_layers(layers)
    out.mkdir(parents=True, exist_ok=True)
    written, left_out = 0, LeftOut(None, args.max_left_out)
    with contextlib.ExitStack() as stack:
        writers = {}
        for layer in layers:
            stem = out / f"{layer}{suffix}"
            writers[layer] = stack.enter_context(ark.Writer(f"ark,scp:{stem}.ark,{stem}.scp"))
        for key, features in cli.progress(read_features(args.feats_rspecifier), None, "embeddings"):
            if not len(features):
                left_out.add(key, "no frames")
                continue
            try:
                vectors = embed_utterance(model, features, layers, args.min_frames, args.max_frames)
            except SerError as error:
                raise SerError(f"{args.feats_rspecifier}: '{key}': {error}") from error
            for layer, vector in vectors.items():
                writers[layer].write(key, vector)
            written += 1
        left_out.finish(written)
    note.write()
    logger.info("%s: embeddings %s of %d utterances, %d left out", out, ", ".join(layers), written, left_out.count)


if __name__ == "__main__":
    cli.run(main)
