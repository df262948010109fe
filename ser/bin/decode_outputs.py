"""Decode an acoustic model's outputs to words with Kaldi's decoder, and compute the word error rate.

Reads the outputs (compute_nnet_outputs --node output --frame-subsampling 3) and writes <dir>/hyp. If <data-dir> has
transcripts (text), it also writes <dir>/wer and <dir>/wer_by_speaker.tsv. An utterance without a path is decoded to no
words. With --max-wer the command fails if the word error rate is higher, since bottleneck features of such a model are
useless.

  python3 -m ser.bin.decode_outputs --lang data/lang --max-wer 40 exp/asr data/test \\
    ark:exp/asr/decode_test/output.ark exp/asr/decode_test
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--lang", required=True, metavar="DIR", help="language folder (prepare_lang)")
    parser.add_argument(
        "--loop", type=cli.boolean, default=False, help="use no n-gram: all words are equally likely [%(default)s]"
    )
    parser.add_argument("--beam", metavar="X", type=float, default=15.0, help="beam of the search [%(default)s]")
    parser.add_argument(
        "--max-active", metavar="N", type=int, default=7000, help="number of states kept at each frame [%(default)s]"
    )
    parser.add_argument(
        "--lm-weight", metavar="X", type=float, default=1.0, help="weight of the n-gram's costs [%(default)s]"
    )
    parser.add_argument("--word-penalty", metavar="X", type=float, default=0.0, help="cost of each word [%(default)s]")
    parser.add_argument(
        "--max-wer", type=float, metavar="PERCENT", help="fail if the word error rate is higher [never]"
    )
    cli.add_done_option(parser)
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the model, with units.tsv")
    parser.add_argument(
        "data_dir", metavar="<data-dir>", help="data dir of the utterances; its text, if it has one, is the reference"
    )
    parser.add_argument(
        "outputs", metavar="<outputs-rspecifier>", help="outputs of the model, from compute_nnet_outputs"
    )
    parser.add_argument("folder", metavar="<dir>", help="folder to write")
    args = parser.parse_args()

    from ser.record.job_note import JobNote

    lang, folder, model = Path(args.lang), Path(args.folder), Path(args.model_dir)
    files = [lang / "lexicon.txt", lang / "lm.arpa", model / "units.tsv", Path(args.data_dir) / "text"]
    note = JobNote(__spec__.name, args, files, [args.outputs], [folder / "hyp", folder / "wer"])
    if note.is_valid():
        return

    from ser.asr import lang_dir, word_lm
    from ser.asr.context import read_context
    from ser.asr.decode import DecodeConfig, DecodingGraph, decode_all
    from ser.asr.lexicon import check_phones
    from ser.asr.wer import WordErrors, by_speaker, interval, word_errors
    from ser.files import tab_separated, write_text
    from ser.kaldi import ark, tables

    lexicon = lang_dir.read_lang_lexicon(lang)
    context = read_context(model / "units.tsv")
    check_phones(lexicon, context.phones, str(model))
    lm = word_lm.read_arpa(lang / "lm.arpa")
    if args.loop:
        lm = word_lm.uniform(word for word in lm.words if word in lexicon.entries)
    config = DecodeConfig(args.beam, args.max_active, word_penalty=args.word_penalty, lm_weight=args.lm_weight)
    graph = DecodingGraph(lexicon, lm, context, config)
    found = {utt: words for utt, words in cli.progress(decode_all(graph, ark.read(args.outputs)), None, "decoding")}
    lost = [utt for utt, words in found.items() if words is None]
    if lost:
        logger.warning("%s: no path for %d of %d utterances, e.g. %s", folder, len(lost), len(found), lost[0])
    tables.write_map(folder / "hyp", {utt: " ".join(words or []) for utt, words in found.items()})
    text = Path(args.data_dir) / "text"
    if not text.is_file():
        note.write()
        return
    texts = tables.read_map(text, allow_empty=True)
    if missing := sorted(texts.keys() - found.keys()):
        raise SerError(f"{args.outputs}: no outputs of {len(missing)} of {len(texts)} utterances, e.g. {missing[0]}")
    errors = {
        utt: word_errors(lang_dir.for_scoring(words), lang_dir.for_scoring(" ".join(found[utt] or [])))
        for utt, words in texts.items()
    }
    speakers = by_speaker(errors, tables.read_map(Path(args.data_dir) / "utt2spk", fields=2))
    total = sum(errors.values(), WordErrors())
    low, high = interval(speakers.values())
    rows = [(spk, value.words, value.errors, f"{100 * value.rate:.2f}") for spk, value in speakers.items()]
    write_text(folder / "wer_by_speaker.tsv", tab_separated(("speaker", "words", "errors", "wer"), rows))
    line = f"{total} [{100 * low:.1f}, {100 * high:.1f}] over {len(speakers)} speakers"
    write_text(folder / "wer", f"{line}\n")
    logger.info("%s: %s", folder, line)
    note.write()
    if args.max_wer is not None and 100 * total.rate > args.max_wer:
        raise SerError(
            f"{folder}: WER {100 * total.rate:.1f} % is over --max-wer {args.max_wer:g}: the model has not learnt to "
            "recognise speech; train it longer or on more speech, or raise --max-wer"
        )


if __name__ == "__main__":
    cli.run(main)
