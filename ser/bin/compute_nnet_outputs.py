"""Compute the outputs of any node of an acoustic model, frame by frame, like Kaldi's nnet3-compute.

The model was imported (import_nnet3) or trained here. Writes a matrix for each utterance, one row every
--frame-subsampling frames. A model with i-vectors takes one per utterance (--ivectors), or one every --ivector-period
frames (--online-ivectors); then each chunk of --frames-per-chunk frames uses the one at its middle. Utterances that
cannot be computed are named; the command fails if their share is above --max-left-out.

  python3 -m ser.bin.compute_nnet_outputs --node tdnnf12.noop --frame-subsampling 3 \\
    --online-ivectors scp:exp/ivectors/ivector_online.scp --frames-per-chunk 150 \\
    exp/tedlium scp:data/iemocap_hires/feats.scp ark,scp:exp/bottlenecks/12.ark,exp/bottlenecks/12.scp
"""

import logging
from pathlib import Path

from ser import cli, ivector_options
from ser.errors import SerError

logger = logging.getLogger(__name__)

TWO_BYTES = 3  # Kaldi's compression method


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--node", metavar="NAME", required=True, help="name of the node; an unknown one prints all nodes"
    )
    parser.add_argument(
        "--frame-subsampling", type=int, default=1, metavar="N", help="compute every N-th frame [%(default)s]"
    )
    ivector_options.add_options(parser, frames_per_chunk=50)  # Kaldi's
    parser.add_argument(
        "--float16", type=cli.boolean, default=False,
        help="store two bytes per value, in Kaldi's compressed format, which every ark reader knows [%(default)s]",
    )  # fmt: skip
    cli.add_left_out_options(parser)
    cli.add_done_option(parser)
    cli.add_device_options(parser)
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the net")
    parser.add_argument("feats_rspecifier", metavar="<feats-rspecifier>", help="the features")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="outputs to write, a matrix for each utterance")
    args = parser.parse_args()
    if args.frame_subsampling < 1:
        raise SerError(f"--frame-subsampling={args.frame_subsampling}: expected at least 1")

    from ser.kaldi import specifiers
    from ser.kaldi.feats import read_features
    from ser.record.job_note import JobNote

    target = specifiers.parse_wspecifier(args.wspecifier)
    tables = [args.feats_rspecifier, *ivector_options.tables(args)]
    outputs = [target.ark, target.scp, args.left_out]
    note = JobNote(__spec__.name, args, sorted(Path(args.model_dir).glob("*")), tables, outputs)
    if note.is_valid():
        return

    from ser.asr.node_net import NodeComputer
    from ser.kaldi import ark
    from ser.kaldi.left_out import LeftOut
    from ser.training import parallel

    cli.set_num_threads(args)
    net = NodeComputer(args.model_dir, parallel.pick_device(args.device), **ivector_options.values(args))
    node = net.node_of(args.node)
    left_out = LeftOut(args.left_out, args.max_left_out)
    written = 0
    with ark.Writer(args.wspecifier, TWO_BYTES if args.float16 else 0) as writer:
        utterances = cli.progress(read_features(args.feats_rspecifier), None, args.node)
        for utt, (matrix,) in net.compute_all(utterances, [node], args.frame_subsampling, left_out):
            writer.write(utt, matrix)
            written += 1
        count = left_out.finish(written)
    note.write()
    logger.info("%s: %s of %d utterances, %d left out", args.wspecifier, args.node, written, count)


if __name__ == "__main__":
    cli.run(main)
