"""Write a spk2utt for extract_online_ivectors: each line lists the utterances of one i-vector history.

The i-vector of an utterance is estimated from the utterance and from those before it in its history. --history is

  utterance  a history per utterance
  dialogue   a history per speaker and dialogue (utt2dialogue), in the order of utt2start if the data dir has it
  speaker    a history per speaker
  N          N utterances of a speaker per history, as in the training of recognisers

  python3 -m ser.bin.make_histories --history 2 data/tedlium_hires exp/ivectors/spk2utt
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--history", metavar="NAME|N", required=True, help="utterance, dialogue, speaker or a number")
    parser.add_argument("data_dir", metavar="<data-dir>", help="with utt2spk, and utt2dialogue for --history dialogue")
    parser.add_argument("spk2utt", metavar="<spk2utt>", help="file to write")
    args = parser.parse_args()
    if args.history not in ("utterance", "dialogue", "speaker") and not (args.history.isdigit() and int(args.history)):
        raise SerError(f"--history {args.history}: expected utterance, dialogue, speaker or a number of utterances")

    from ser.kaldi import tables

    data = Path(args.data_dir)
    utt2spk = tables.read_map(data / "utt2spk", fields=2)
    histories: dict[str, list[str]] = {}
    if args.history == "utterance":
        histories = {utt: [utt] for utt in utt2spk}
    elif args.history == "dialogue":
        utt2dialogue = tables.read_map(data / "utt2dialogue", fields=2)
        if missing := utt2spk.keys() - utt2dialogue.keys():
            raise SerError(f"{data / 'utt2dialogue'}: nothing for {len(missing)} utterances, such as {min(missing)}")
        histories = tables.invert({utt: f"{utt2dialogue[utt]}_{speaker}" for utt, speaker in utt2spk.items()})
        if (data / "utt2start").is_file():
            starts = tables.read_map(data / "utt2start", fields=2)
            for utts in histories.values():
                utts.sort(key=lambda utt: (float(starts.get(utt, "0")), utt))
    else:
        for speaker, utts in tables.invert(utt2spk).items():
            size = int(args.history) if args.history.isdigit() else len(utts)
            for start in range(0, len(utts), size):
                name = speaker if size >= len(utts) else f"{speaker}_{start // size + 1:04d}"
                histories[name] = utts[start : start + size]
    tables.write_lists(args.spk2utt, histories)
    logger.info("%s: %d histories of %d utterances", args.spk2utt, len(histories), len(utt2spk))


if __name__ == "__main__":
    cli.run(main)
