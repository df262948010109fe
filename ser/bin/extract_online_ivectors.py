"""Extract online i-vectors, one every few frames, like Kaldi's ivector-extract-online2.

The first table lists the utterances of each speaker. A speaker's statistics are kept from one utterance to the next, in
the order of the list; if each utterance is listed as its own speaker, nothing is kept. --config is the extractor's
online.conf; the files that it names are looked up in the working directory, then in the folder of online.conf.

  python3 -m ser.bin.extract_online_ivectors --config exp/extractor/online.conf ark:data/iemocap_hires/spk2utt \\
    scp:data/iemocap_hires/feats.scp ark,scp:exp/ivectors/ivector_online.ark,exp/ivectors/ivector_online.scp
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--config", metavar="FILE", required=True, help="online.conf of the extractor's folder")
    cli.add_left_out_options(parser)
    cli.add_done_option(parser)
    parser.add_argument(
        "spk2utt_rspecifier",
        metavar="<spk2utt-rspecifier>",
        help="utterances of each speaker, such as ark:data/spk2utt",
    )
    parser.add_argument("feats_rspecifier", metavar="<feats-rspecifier>", help="features without mean normalisation")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="i-vectors to write, a matrix for each utterance")
    args = parser.parse_args()

    from ser.kaldi import specifiers
    from ser.record.job_note import JobNote

    target = specifiers.parse_wspecifier(args.wspecifier)
    speakers = specifiers.parse_rspecifier(args.spk2utt_rspecifier)
    if speakers.kind != "ark":
        raise SerError(f"{args.spk2utt_rspecifier}: give ark:FILE, with a speaker and its utterances on each line")
    files = sorted(path for path in Path(args.config).parent.glob("*") if path.is_file())
    outputs = [target.ark, target.scp, args.left_out]
    note = JobNote(__spec__.name, args, [*files, speakers.name], [args.feats_rspecifier], outputs)
    if note.is_valid():
        return

    from ser.ivector.online import OnlineExtractor
    from ser.kaldi import ark, tables
    from ser.kaldi.keyed_rows import KeyedRows
    from ser.kaldi.left_out import LeftOut

    extractor = OnlineExtractor.load(args.config)
    spk2utt = tables.read_lists(speakers.name)
    left_out = LeftOut(args.left_out, args.max_left_out)
    written: set[str] = set()
    with ark.Writer(args.wspecifier) as writer, KeyedRows(args.feats_rspecifier) as features:
        for speaker, utts in cli.progress(spk2utt.items(), len(spk2utt), "i-vectors"):
            state = extractor.new_speaker()
            for utt in utts:
                if utt in written:
                    raise SerError(f"{speakers.name}: '{utt}' comes twice, the second time of '{speaker}'")
                try:
                    ivectors = extractor.extract(features.get(utt, ndim=2), state)
                except SerError as error:
                    left_out.add(utt, str(error))
                    continue
                writer.write(utt, ivectors)
                written.add(utt)
        count = left_out.finish(len(written))
    note.write()
    logger.info(
        "%s: i-vectors of dimension %d for %d utterances of %d speakers, %d left out",
        args.wspecifier, extractor.ivector_dim, len(written), len(spk2utt), count,
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
