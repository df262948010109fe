"""Make a language folder for a recogniser: a lexicon without stress marks, an n-gram, and the list of unknown words.

The n-gram is estimated by Witten-Bell smoothing from the sentences of --lm-text (plain or gzip), or else from the data
dir's transcripts. Its vocabulary are the words of the lexicon that occur in these sentences or in the transcripts; with
--closed-vocabulary false it is the whole lexicon. --arpa gives a ready n-gram instead. Words of the transcripts without
an entry in the lexicon are listed in <lang>/oov; the command fails if their share is above --max-oov.

  python3 -m ser.bin.prepare_lang --lexicon TEDLIUM_release2/TEDLIUM.152k.dic --lm-text LM/a.en.gz \\
    data/tedlium_train data/lang
  python3 -m ser.bin.prepare_lang --lexicon resource/lexicon.txt --lower true --arpa lm.arpa \\
    data/so_train data/lang
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--lexicon", required=True, metavar="FILE", help="lexicon of lines 'word phone phone ...'")
    parser.add_argument(
        "--lower",
        type=cli.boolean,
        default=False,
        help="convert the words of lexicon and --arpa to lower case [%(default)s]",
    )
    parser.add_argument(
        "--lm-text",
        action="append",
        default=[],
        metavar="FILE",
        help="sentences; may be given several times [the transcripts]",
    )
    parser.add_argument("--arpa", metavar="FILE", help="ready n-gram, in place of an estimated one")
    parser.add_argument("--order", metavar="N", type=int, default=3, help="order of the n-gram [%(default)s]")
    parser.add_argument(
        "--closed-vocabulary",
        type=cli.boolean,
        default=True,
        help="limit the vocabulary of the n-gram to words that occur, not the whole lexicon [%(default)s]",
    )
    cli.add_max_oov(parser)
    cli.add_done_option(parser)
    parser.add_argument("data_dir", metavar="<data-dir>", help="training data; its `text` is read")
    parser.add_argument("lang_dir", metavar="<lang-dir>", help="folder to write")
    args = parser.parse_args()

    from ser.record.job_note import JobNote

    lang, text_path = Path(args.lang_dir), Path(args.data_dir) / "text"
    outputs = [lang / "lexicon.txt", lang / "lm.arpa", lang / "oov"]
    note = JobNote(__spec__.name, args, [args.lexicon, args.arpa, text_path, *args.lm_text], [], outputs)
    if note.is_valid():
        return

    from ser.asr import lang_dir, word_lm
    from ser.asr.lexicon import check_coverage, coverage, make_lexicon, read_lexicon, write_lexicon
    from ser.files import write_text
    from ser.kaldi import tables

    lexicon = read_lexicon(args.lexicon, lower=args.lower)
    texts = [lang_dir.for_training(text) for text in tables.read_map(text_path, allow_empty=True).values()]
    found = check_coverage(lexicon, texts, args.max_oov, str(text_path))
    sentences = [lang_dir.for_training(line) for line in lang_dir.read_sentences(args.lm_text)] or texts
    if args.arpa:
        lm = word_lm.read_arpa(args.arpa, args.lower)
        words = set(lm.words)
    else:
        words = {word for text in (*sentences, *texts) for word in text.split()}
        if not args.closed_vocabulary:
            words |= set(lexicon.entries)
        words = {word for word in words if word in lexicon.entries and not word.startswith("<")}
        lm = word_lm.estimate(sentences, words, args.order)
    said = {word for text in texts for word in text.split()}
    kept = make_lexicon((word, way) for word in sorted(words | said) for way in lexicon.entries.get(word, ()))
    write_lexicon(lang / "lexicon.txt", kept)
    word_lm.write_arpa(lang / "lm.arpa", lm)
    missing = sorted({word for text in texts for word in text.split() if word not in lexicon.entries})
    write_text(lang / "oov", "".join(f"{word}\n" for word in missing))
    logger.info(
        "%s: %d words, %d phones; %d-gram, perplexity of the transcripts %.1f; %d of %d running words unknown",
        lang, len(kept.entries), len(kept.phones), lm.order, lm.perplexity(texts),
        found.unknown, coverage(lexicon, texts).words,
    )  # fmt: skip
    note.write()


if __name__ == "__main__":
    cli.run(main)
