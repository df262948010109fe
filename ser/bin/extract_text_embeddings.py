"""Write text embeddings of the words in <data-dir>/text: a vector per utterance, or a matrix with a row per token.

<text-model> is a model folder that `train_text` wrote, a folder of a Hugging Face model, or a name on the Hub.
Utterances without words are left out and named.

  python3 -m ser.bin.extract_text_embeddings --left-out exp/bert/left_out exp/bert data/iemocap \\
    ark,scp:exp/bert/iemocap.ark,exp/bert/iemocap.scp
"""

import logging
from pathlib import Path
from typing import Any

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--pooling",
        choices=("cls", "mean"),
        help="hidden state of the first token, or mean over the tokens [as the model was trained]",
    )
    parser.add_argument(
        "--level",
        choices=("utterance", "token"),
        default="utterance",
        help="a vector per utterance, or the last hidden states, one row per token [%(default)s]",
    )
    parser.add_argument(
        "--batch-size",
        metavar="N",
        type=int,
        default=64,
        help="texts in a batch; it does not change the result [%(default)s]",
    )
    cli.add_done_option(parser)
    cli.add_device_options(parser)
    parser.add_argument("--left-out", metavar="FILE", help="list to write: utterances without a vector, and why")
    parser.add_argument("text_model", metavar="<text-model>", help="model folder, Hugging Face folder or name")
    parser.add_argument("data_dir", metavar="<data-dir>", help="Kaldi data dir; its `text` is read")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="the vectors")
    args = parser.parse_args()

    from ser.kaldi import specifiers
    from ser.record.job_note import JobNote

    path = Path(args.data_dir) / "text"
    target = specifiers.parse_wspecifier(args.wspecifier)
    model_files = sorted([*Path(args.text_model).glob("*"), *Path(args.text_model).glob("encoder/*")])
    note = JobNote(__spec__.name, args, [path, *model_files], [], [target.ark, target.scp, args.left_out])
    if note.is_valid():
        return

    from ser.kaldi import ark, tables
    from ser.text import bert
    from ser.text.config import TextModelConfig
    from ser.training import model_dir
    from ser.training.parallel import pick_device

    cli.set_num_threads(args)
    pooling = args.pooling
    if args.level == "token" and pooling:
        raise SerError("--pooling has no meaning with --level token; leave one of the two out")
    if args.level == "utterance" and pooling is None and not (Path(args.text_model) / "config.yaml").is_file():
        raise SerError(f"{args.text_model} was not trained by train_text, so it has no pooling; give --pooling")
    if args.level == "utterance" and pooling is None:
        pooling = model_dir.load_section(args.text_model, "model", TextModelConfig).pooling
    texts = tables.read_map(path, allow_empty=True)
    encoder, tokenizer = bert.load_encoder(args.text_model)
    if pooling:
        bert.check_pooling(args.text_model, tokenizer, pooling)
    encoder.to(pick_device(args.device))
    tokens = bert.tokenize(tokenizer, list(texts.values()))
    utts = list(texts)
    left_out = {utt: "no words" for utt, ids in zip(utts, tokens.ids, strict=True) if not ids}
    if args.level == "token":
        found = bert.token_states(encoder, tokens.ids, tokenizer.pad_token_id, args.batch_size)
    else:
        found = bert.extract(encoder, tokens.ids, tokenizer.pad_token_id, pooling, args.batch_size)
    shown = cli.progress(found, len(utts) - len(left_out), "text vectors")
    vectors = {utts[index]: vector.numpy() for index, vector in shown}
    with ark.Writer(args.wspecifier) as writer:
        for utt in utts:
            if utt in vectors:
                writer.write(utt, vectors[utt])
    if args.left_out:
        tables.write_map(args.left_out, left_out)
    note.write()
    if left_out:
        first = ", ".join(list(left_out)[:3])
        logger.warning("%s: left out %d of %d utterances without words: %s", path, len(left_out), len(utts), first)
    if tokens.num_cut:
        limit = tokenizer.model_max_length
        logger.warning("%s: cut %d of %d texts at %d tokens", path, tokens.num_cut, len(utts), limit)
    what = f"vectors ({pooling})" if pooling else "matrices, a row per token,"
    config: Any = encoder.config
    logger.info(
        "%s: %d %s of dimension %d, from the words in %s by %s",
        args.wspecifier, len(vectors), what, config.hidden_size, path, args.text_model,
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
