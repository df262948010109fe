"""Compute the outputs of any node of an acoustic net, frame by frame, as Kaldi's nnet3-compute does.

The model folder is an imported one (import_nnet3) or one of our own training. A matrix an utterance is written, one
row each --frame-subsampling frames. Nets with i-vectors take one an utterance (--ivectors) or one each --ivector-period
frames (--online-ivectors), of which a chunk of --frames-per-chunk takes that of its middle frame. Utterances that
cannot be computed are named; the command fails if they are more than --max-left-out. Example:

    python3 -m ser.bin.compute_nnet_outputs --node tdnnf12.noop --frame-subsampling 3 \\
      --online-ivectors scp:exp/ivectors/ivector_online.scp --frames-per-chunk 150 \\
      exp/tedlium scp:data/iemocap_hires/feats.scp ark,scp:exp/bottlenecks/12.ark,exp/bottlenecks/12.scp"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

TWO_BYTES = 3  # Kaldi's compression method


def main() -> None:
    """Run the command."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--node", required=True, help="name of the node; a wrong one lists them")
    parser.add_argument("--frame-subsampling", type=int, default=1, metavar="N", help="every N-th frame [%(default)s]")
    parser.add_argument("--ivectors", metavar="RSPECIFIER", help="one vector an utterance")
    parser.add_argument("--online-ivectors", metavar="RSPECIFIER", help="a matrix an utterance")
    parser.add_argument("--ivector-period", type=int, default=10, metavar="N", help="frames a row [%(default)s]")
    parser.add_argument("--frames-per-chunk", type=int, default=50, metavar="N", help="[%(default)s, Kaldi's default]")
    parser.add_argument(
        "--float16", type=cli.boolean, default=False, metavar="true|false",
        help="two bytes a number, in Kaldi's compressed form, which every reader of arks takes [false]",
    )  # fmt: skip
    cli.add_left_out_options(parser)
    cli.add_done_option(parser)
    cli.add_device_options(parser)
    parser.add_argument("model_dir", metavar="<model-dir>")
    parser.add_argument("feats_rspecifier", metavar="<feats-rspecifier>")
    parser.add_argument("wspecifier", metavar="<wspecifier>")
    args = parser.parse_args()
    for option in ("frame_subsampling", "ivector_period", "frames_per_chunk"):
        if (value := getattr(args, option)) < 1:
            raise SerError(f"--{option.replace('_', '-')}={value}: expected at least 1")
    if args.ivectors and args.online_ivectors:
        raise SerError("--ivectors and --online-ivectors: give one of them")

    from ser.kaldi import specifiers
    from ser.kaldi.feats import read_features
    from ser.record.job import Job

    target = specifiers.parse_wspecifier(args.wspecifier)
    tables = [table for table in (args.feats_rspecifier, args.ivectors, args.online_ivectors) if table]
    outputs = [target.ark, target.scp, args.left_out]
    job = Job(__spec__.name, args, sorted(Path(args.model_dir).glob("*")), tables, outputs)
    if job.is_valid():
        return

    import torch

    from ser.kaldi import ark
    from ser.kaldi.keyed_rows import KeyedRows
    from ser.kaldi.left_out import LeftOut
    from ser.models.node_outputs import OutputOptions, compute_outputs
    from ser.training import parallel
    from ser.training.node_net import load_node_net

    if args.num_threads:
        torch.set_num_threads(args.num_threads)
    net = load_node_net(args.model_dir).to(parallel.pick_device(args.device))
    net.check_node(args.node)
    options = OutputOptions(args.node, args.frame_subsampling, args.ivector_period, args.frames_per_chunk)
    table = args.ivectors or args.online_ivectors
    if bool(table) != bool(net.ivector_dim):
        wanted = f"i-vectors of {net.ivector_dim} numbers: give --ivectors or --online-ivectors"
        raise SerError(f"{args.model_dir}: the net takes {wanted if net.ivector_dim else 'no i-vectors'}")
    left_out = LeftOut(args.left_out, args.max_left_out)
    written = 0
    with ark.Writer(args.wspecifier, TWO_BYTES if args.float16 else 0) as writer, KeyedRows(table) as ivectors:
        for utt, features in cli.progress(read_features(args.feats_rspecifier), None, args.node):
            try:
                vectors = ivectors.get(utt, ndim=1 if args.ivectors else 2) if table else None
                writer.write(utt, compute_outputs(net, features, options, vectors))
                written += 1
            except SerError as error:
                logger.warning("%s: '%s': %s; left out", args.feats_rspecifier, utt, error)
                left_out.add(utt, str(error))
        count = left_out.finish(written)
    job.write()
    logger.info("%s: %s of %d utterances, %d left out", args.wspecifier, args.node, written, count)


if __name__ == "__main__":
    cli.run(main)
