"""Compute sums and sums of squares of features over each speaker's voiced frames, as Kaldi's compute-cmvn-stats does.

The result has Kaldi's form: a matrix (2, F + 1) per speaker. Row 0 has the F sums and the number of frames, row 1 the F
sums of squares and a zero. Utterances without a VAD vector, or without a voiced frame, add nothing.

  python3 -m ser.bin.compute_cmvn_stats --utt2spk data/cremad/utt2spk scp:data/cremad/feats.scp \\
    scp:data/cremad/vad.scp ark,scp:data/cremad_no_sil/data/cmvn.ark,data/cremad_no_sil/data/cmvn.scp
"""

import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--utt2spk", metavar="FILE", required=True, help="the speaker of each utterance")
    cli.add_done_option(parser)
    parser.add_argument("feats_rspecifier", metavar="<feats-rspecifier>", help="the features")
    parser.add_argument("vad_rspecifier", metavar="<vad-rspecifier>", help="decisions of compute_vad")
    parser.add_argument("stats_wspecifier", metavar="<stats-wspecifier>", help="the statistics, by speaker")
    args = parser.parse_args()

    import numpy as np

    from ser.features.cmvn import cmvn_stats
    from ser.kaldi import ark, specifiers, tables
    from ser.kaldi.feats import read_features
    from ser.kaldi.voice_activity import VoiceActivity
    from ser.record.job_note import JobNote

    target, sources = specifiers.parse_wspecifier(args.stats_wspecifier), [args.feats_rspecifier, args.vad_rspecifier]
    note = JobNote(__spec__.name, args, [args.utt2spk], sources, [target.ark, target.scp])
    if note.is_valid():
        return
    utt2spk = tables.read_map(args.utt2spk, fields=2)
    activity = VoiceActivity(args.vad_rspecifier)
    stats: dict[str, np.ndarray] = {}
    for utt, feats in read_features(args.feats_rspecifier):
        if utt not in utt2spk:
            raise SerError(f"{args.utt2spk}: no speaker of {utt}, which {args.feats_rspecifier} has")
        voiced = activity.of(utt, feats, args.feats_rspecifier)
        if voiced is not None and voiced.any():
            found = cmvn_stats(feats[voiced])
            stats[utt2spk[utt]] = stats[utt2spk[utt]] + found if utt2spk[utt] in stats else found
    with ark.Writer(args.stats_wspecifier) as writer:
        for speaker in sorted(stats):
            writer.write(speaker, stats[speaker])
    note.write()
    logger.info("%s: statistics of %d speakers", args.stats_wspecifier, len(stats))


if __name__ == "__main__":
    cli.run(main)
