"""Change the volume of MFCC, each utterance by a random factor: Kaldi's perturb_data_dir_volume.sh, on features.

A factor g on the samples adds 2 ln g to each of the M log-mel energies. That adds 2 sqrt(M) ln g to the first MFCC and
nothing to the others, if MFCC were made without the log energy (--use-energy=false). The factor of each utterance is
drawn uniformly from --low to --high.

  python3 -m ser.bin.perturb_volume --num-mel-bins 40 scp:data/train/feats.scp ark,scp:vol.ark,vol.scp
"""

from ser import cli
from ser.errors import SerError


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--num-mel-bins", type=int, required=True, metavar="M", help="mel bands of the MFCC")
    parser.add_argument("--low", metavar="X", type=float, default=0.125, help="least factor [%(default)s]")
    parser.add_argument("--high", metavar="X", type=float, default=2.0, help="largest factor [%(default)s]")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the factors [%(default)s]")
    cli.add_done_option(parser)
    parser.add_argument("feats_rspecifier", metavar="<feats-rspecifier>", help="MFCC without mean normalisation")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="MFCC to write")
    args = parser.parse_args()
    if not 0 < args.low <= args.high:
        raise SerError(f"--low={args.low:g} --high={args.high:g}: expected 0 < low <= high")

    from ser.kaldi import specifiers
    from ser.record.job_note import JobNote

    target = specifiers.parse_wspecifier(args.wspecifier)
    note = JobNote(__spec__.name, args, [], [args.feats_rspecifier], [target.ark, target.scp])
    if note.is_valid():
        return

    import numpy as np

    from ser.kaldi import ark
    from ser.kaldi.feats import read_features

    with ark.Writer(args.wspecifier) as writer:
        for utt, features in cli.progress(read_features(args.feats_rspecifier), None, "volume"):
            factor = np.random.default_rng([args.seed, *utt.encode()]).uniform(args.low, args.high)
            features = features.copy()
            features[:, 0] += np.float32(2 * np.sqrt(args.num_mel_bins) * np.log(factor))
            writer.write(utt, features)
    note.write()


if __name__ == "__main__":
    cli.run(main)
