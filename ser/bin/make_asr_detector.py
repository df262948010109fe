"""Make a model folder for ser-detect from a finished run of system B, or from vectors of an imported net.

The back end is trained on the classes of <train-dir> and the vectors of pool_frames. The i-vectors must have been
extracted with --history utterance, since the detector has only one recording at a time. An older detector in <out-dir>
is replaced.

  python3 -m ser.bin.make_asr_detector --net exp/asr_tdnn/asr --extractor exp/asr_tdnn/extractor --fold 1 \\
    --label-map conf/emotions/asr_tdnn4.map --layers layer12,layer13 \\
    data/asr_tdnn/rest_1 exp/asr_tdnn/pooled/pretrained exp/asr_tdnn/detector
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--net", required=True, metavar="DIR", help="folder of the recogniser")
    parser.add_argument(
        "--extractor", metavar="DIR", help="folder of the net's i-vector extractor [the net takes no i-vectors]"
    )
    parser.add_argument(
        "--mfcc-config",
        metavar="FILE",
        default="conf/asr_tdnn/mfcc.conf",
        help="Kaldi option file of the features [%(default)s]",
    )
    parser.add_argument(
        "--layers",
        required=True,
        metavar="NAME,...",
        help="layers of the net, such as layer12; the one that is best on held-out training speakers is used",
    )
    parser.add_argument(
        "--statistics",
        choices=("mean", "mean_stddev"),
        default="mean_stddev",
        help="statistics of the vectors to use [%(default)s]",
    )
    parser.add_argument("--fold", default="none", metavar="NAME", help="fold that <train-dir> lacks [%(default)s]")
    parser.add_argument("--label-map", required=True, metavar="FILE", help="the run's map of labels to classes")
    parser.add_argument(
        "--config", metavar="FILE", default="conf/detector.yaml", help="settings of the detector [%(default)s]"
    )
    cli.add_backend_config(parser, "--backend-config")
    parser.add_argument("train_dir", metavar="<train-dir>", help="data dir that the back end is trained on")
    parser.add_argument("pooled", metavar="<pooled-dir>", help="folder of pool_frames")
    parser.add_argument("out_dir", metavar="<out-dir>", help="folder to write")
    args = parser.parse_args()

    from ser.backend.chain import BackendConfig
    from ser.config import load_config
    from ser.detect.deploy_asr import AsrParts, choose_layer, make_asr_detector
    from ser.detect.detector_dir import DetectorConfig

    settings = load_config(DetectorConfig, args.config)
    backend = load_config(BackendConfig, args.backend_config)
    train_dir, folder = Path(args.train_dir), Path(args.pooled) / args.statistics
    vectors = {layer: folder / f"{layer}.scp" for layer in args.layers.split(",")}
    layer = choose_layer(vectors, train_dir, backend, settings.held_out_parts, settings.seed)
    parts = AsrParts(
        net=Path(args.net),
        extractor=Path(args.extractor) if args.extractor else None,
        mfcc=Path(args.mfcc_config),
        train_dir=train_dir,
        vectors=vectors[layer],
        layer=layer,
        statistics=args.statistics,
        condition=args.fold,
    )
    make_asr_detector(parts, Path(args.out_dir), Path(args.label_map), backend, settings)


if __name__ == "__main__":
    cli.run(main)
