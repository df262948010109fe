"""Make the model directory of ser-detect from a finished run: feature options, net, back ends, calibrations.

The net is that of one condition of the run: `none`, trained without the corpus that was scored, or else the first fold.
The back ends are trained on the training data of that condition. Their calibration needs scores of speakers that the
back end was not trained on, so it is cross-validated by speaker on the same data. If the run has speakers that no net
was trained on, only their scores are used. An older detector in <out-dir> is replaced.

  python3 -m ser.bin.make_detector data/toy exp/toy exp/toy/detector
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--config", metavar="FILE", default="conf/detector.yaml", help="settings of the detector [%(default)s]"
    )
    cli.add_backend_config(parser, "--backend-config", of="of the back ends")
    parser.add_argument(
        "--conf", default="conf", metavar="DIR", help="Kaldi option files of the features [%(default)s]"
    )
    parser.add_argument(
        "--label-map",
        metavar="FILE",
        default="conf/emotions/collapsed5.map",
        help="the run's map of labels to classes [%(default)s]",
    )
    parser.add_argument(
        "--condition", metavar="NAME", help="condition of the net: none or a fold [the first of these that the run has]"
    )
    parser.add_argument(
        "--layer",
        metavar="NAME",
        help="layer of the net, such as tdnn7, or of an encoder, such as yamnet_9 [of the "
        "net's, or where the run trained none, of the encoders', the one of the lowest EER of speech]",
    )
    parser.add_argument(
        "--encoders", metavar="'NAME=FOLDER:LAYER,...'", default="", help="the run's audio encoders, as run.sh has them"
    )
    parser.add_argument("data_dir", metavar="<data-dir>", help="the run's data folder, such as data/toy")
    parser.add_argument("exp_dir", metavar="<exp-dir>", help="the run's folder, such as exp/toy")
    parser.add_argument("out_dir", metavar="<out-dir>", help="folder to write")
    args = parser.parse_args()

    from ser.backend.chain import BackendConfig
    from ser.config import load_config
    from ser.detect.deploy import make_detector
    from ser.detect.detector_dir import DetectorConfig
    from ser.detect.run_folders import RunFolders
    from ser.plan.encoders import read_encoders

    settings = load_config(DetectorConfig, args.config)
    backend = load_config(BackendConfig, args.backend_config)
    run = RunFolders.find(
        Path(args.data_dir), Path(args.exp_dir), args.condition, args.layer, read_encoders(args.encoders.split())
    )
    make_detector(run, Path(args.out_dir), Path(args.conf), Path(args.label_map), backend, settings)


if __name__ == "__main__":
    cli.run(main)
