"""Compute hidden layers of a speech recogniser for each utterance: the mean over frames, and optionally the frames.

The model was trained here or imported. Writes <out-dir>/<layer>.ark and .scp, and with --frames true
<out-dir>/frames/<layer>.ark and .scp. A layer is layer<n>, the output of layer n; prefinal, the last hidden layer; or
the name of a node. compute_nnet_outputs computes a single node.

  python3 -m ser.bin.extract_bottlenecks --layers layer12,layer13,prefinal \\
    --online-ivectors scp:exp/ivectors/iemocap/ivector_online.scp \\
    exp/tedlium scp:data/iemocap_hires/feats.scp exp/bottlenecks
"""

import contextlib
import logging
from pathlib import Path

from ser import cli, ivector_options
from ser.errors import SerError

logger = logging.getLogger(__name__)

TWO_BYTES = 3  # Kaldi's compression method


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--layers", metavar="NAME,...", default="layer12,layer13,prefinal", help="layers to write [%(default)s]"
    )
    parser.add_argument(
        "--frame-subsampling", type=int, default=3, metavar="N", help="compute every N-th frame [%(default)s]"
    )
    parser.add_argument(
        "--frame-offset",
        type=int,
        default=0,
        metavar="N",
        help="index of the first frame that is computed [%(default)s]",
    )
    ivector_options.add_options(parser, frames_per_chunk=150)
    parser.add_argument(
        "--statistics",
        choices=("mean", "mean_stddev"),
        default="mean",
        help="statistics of the frames that make the vector [%(default)s]",
    )
    parser.add_argument("--frames", type=cli.boolean, default=False, help="write the frames, too [%(default)s]")
    parser.add_argument(
        "--float16",
        type=cli.boolean,
        default=True,
        help="store frames in two bytes per value [%(default)s]",
    )
    parser.add_argument("--job", metavar="N", help="number of this job; the files are then <layer>.<job>.ark and .scp")
    cli.add_left_out_options(parser)
    cli.add_done_option(parser)
    cli.add_device_options(parser)
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the net")
    parser.add_argument("feats_rspecifier", metavar="<feats-rspecifier>", help="the features")
    parser.add_argument("out_dir", metavar="<out-dir>", help="folder to write")
    args = parser.parse_args()
    if args.frame_subsampling < 1 or not 0 <= args.frame_offset < args.frame_subsampling:
        raise SerError(
            f"--frame-subsampling={args.frame_subsampling}, --frame-offset={args.frame_offset}: expected at least 1, "
            "and an offset from 0 to subsampling - 1"
        )

    from ser.record.job_note import JobNote

    out, suffix = Path(args.out_dir), f".{args.job}" if args.job else ""
    layers = args.layers.split(",")
    stems = [out / f"{layer}{suffix}" for layer in layers]
    if args.frames:
        stems += [out / "frames" / f"{layer}{suffix}" for layer in layers]
    outputs = [*(f"{stem}.{kind}" for stem in stems for kind in ("ark", "scp")), args.left_out]
    read = [args.feats_rspecifier, *ivector_options.tables(args)]
    note = JobNote(__spec__.name, args, sorted(Path(args.model_dir).glob("*")), read, outputs)
    if note.is_valid():
        return

    from ser.asr.node_net import NodeComputer
    from ser.features.pooling import pool
    from ser.kaldi import ark
    from ser.kaldi.feats import read_features
    from ser.kaldi.left_out import LeftOut
    from ser.training import parallel

    cli.set_num_threads(args)
    net = NodeComputer(
        args.model_dir, parallel.pick_device(args.device), **ivector_options.values(args), offset=args.frame_offset
    )
    nodes = {layer: net.node_of(layer) for layer in layers}
    left_out, written = LeftOut(args.left_out, args.max_left_out), 0
    with contextlib.ExitStack() as stack:
        vectors, frames = {}, {}
        for layer in layers:
            stem = out / f"{layer}{suffix}"
            vectors[layer] = stack.enter_context(ark.Writer(f"ark,scp:{stem}.ark,{stem}.scp"))
            if args.frames:
                stem = out / "frames" / stem.name
                method = TWO_BYTES if args.float16 else 0
                frames[layer] = stack.enter_context(ark.Writer(f"ark,scp:{stem}.ark,{stem}.scp", method))
        utterances = cli.progress(read_features(args.feats_rspecifier), None, "bottlenecks")
        for utt, matrices in net.compute_all(utterances, nodes.values(), args.frame_subsampling, left_out):
            for layer, matrix in zip(nodes, matrices, strict=True):
                vectors[layer].write(utt, pool(matrix, args.statistics))
                if args.frames:
                    frames[layer].write(utt, matrix)
            written += 1
        count = left_out.finish(written)
    note.write()
    logger.info("%s: %s of %d utterances, %d left out", out, ", ".join(layers), written, count)


if __name__ == "__main__":
    cli.run(main)
