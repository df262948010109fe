"""Make a data dir of distorted copies: with white noise, of another pitch or tempo, shifted in time.

The copy of `<utt>` is `<utt>-<kind>`; utt2uniq names the original. The copy's line in utt2augment says how
make_features changes the original's waveform. Features and voice activity are not copied.

  python3 -m ser.bin.distort_data_dir --kinds "white pitch" --seed 1 data/iemocap_train data/iemocap_train_copies
"""

import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

LEFT_BEHIND = ("feats.scp", "vad.scp", "cmvn.scp", "utt2num_frames")


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--kinds", metavar="'NAME ...'", required=True, help="some of 'white pitch stretch shift'")
    parser.add_argument("--seed", metavar="N", type=int, required=True, help="seed of what is drawn for each copy")
    parser.add_argument("data_in", metavar="<data-in>", help="data dir to read")
    parser.add_argument("data_out", metavar="<data-out>", help="data dir to write")
    args = parser.parse_args()

    from ser.corpora.staging import staged_data_dir
    from ser.features import augmentation, distortion
    from ser.kaldi import data_subset, datadir, tables

    kinds = args.kinds.split()
    if not kinds or len(set(kinds)) < len(kinds) or not set(kinds) <= set(distortion.KINDS):
        raise SerError(f"--kinds: expected some of '{' '.join(distortion.KINDS)}', found '{args.kinds}'")
    if "utt2augment" in datadir.table_names(args.data_in):
        raise SerError(f"{args.data_in}/utt2augment: copies already; give the data dir of the originals")
    originals, treatments = {}, {}
    for utt in datadir.read_table(args.data_in, "utt2spk"):
        for kind in kinds:
            amount = distortion.draw_amount(kind, augmentation.copy_rng(kind, utt, args.seed))
            originals[f"{utt}-{kind}"] = utt
            treatments[f"{utt}-{kind}"] = augmentation.Treatment(kind, amount=amount).line()
    with staged_data_dir(args.data_out) as folder:
        data_subset.write_copies(args.data_in, folder, originals, LEFT_BEHIND)
        tables.write_map(folder / "utt2augment", treatments)
    logger.info("%s: %d copies of %d utterances", args.data_out, len(treatments), len(treatments) // len(kinds))


if __name__ == "__main__":
    cli.run(main)
