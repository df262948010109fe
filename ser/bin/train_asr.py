"""Train a speech recogniser, a TDNN-F, by flat-start LF-MMI: from transcripts and a lexicon, without alignments.

Reads a data dir (feats.scp of MFCC without mean normalisation, text, and utt2uniq if there are copies) and the lexicon
of a language folder (prepare_lang). Utterances that cannot be trained on are counted by reason and listed in the model
folder's left_out. The folder also has units.tsv (the pdfs of the phones) and lexicon.txt. An interrupted training is
resumed.

  python3 -m ser.bin.train_asr --config conf/asr_tdnn/tdnnf.yaml --ivectors exp/ivectors_train/ivector_online.scp \\
    data/tedlium_train_hires data/lang exp/asr
"""

import itertools
import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)

UNTRAINED_BATCHES = 50


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    parser.add_argument("--ivectors", metavar="FILE", help="ivector_online.scp, an i-vector every 10 frames [none]")
    parser.add_argument(
        "--untrained", type=cli.boolean, default=False, help="write a net of random weights, as a control [%(default)s]"
    )
    cli.add_max_oov(parser)
    parser.add_argument("data_dir", metavar="<data-dir>", help="with feats.scp and text")
    parser.add_argument("lang_dir", metavar="<lang-dir>", help="folder of prepare_lang")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder to write")
    args = parser.parse_args()

    import numpy as np
    import torch

    from ser.asr import lang_dir
    from ser.asr.batches import SpeechBatches, Supervision, check_left_out, usable, whitening
    from ser.asr.chain_loss import ChainLoss
    from ser.asr.config import AsrConfig
    from ser.asr.context import make_context, write_context
    from ser.asr.den_graph import make_denominator
    from ser.asr.flat_start import FlatStart
    from ser.asr.lexicon import check_coverage, write_lexicon
    from ser.asr.phone_lm import estimate
    from ser.asr.transcripts import one_way
    from ser.config import load_config
    from ser.kaldi import tables
    from ser.kaldi.ark import Reader
    from ser.models.asr_tdnn import AsrTdnn
    from ser.record.fingerprint import fingerprint
    from ser.training import model_dir, parallel
    from ser.training.fit import fit

    cli.set_num_threads(args)
    config = load_config(AsrConfig, args.config, tuple(args.set))
    data, folder = Path(args.data_dir), Path(args.model_dir)
    inputs = {"text": data / "text", "lexicon": Path(args.lang_dir) / lang_dir.LEXICON}
    if args.ivectors:
        inputs["ivectors"] = Path(args.ivectors)
    if not model_dir.begin(folder, config, inputs, {"features": fingerprint(data)}):
        return

    seed = config.fit.seed
    lexicon = lang_dir.read_lang_lexicon(args.lang_dir)
    features, ivectors = Reader(data / "feats.scp"), Reader(args.ivectors) if args.ivectors else None
    lines = tables.read_map(data / "text", allow_empty=True)
    texts = {utt: lang_dir.for_training(lines.get(utt, "")) for utt in features}
    check_coverage(lexicon, texts.values(), args.max_oov, str(data / "text"))
    frames = {utt: features.shape(utt)[0] for utt in texts}

    # Each utterance has its own random generator, so that the result does not depend on the order of the data dir.
    sequences = [
        one_way(text.split(), lexicon, config.silence, np.random.default_rng([seed, *utt.encode()]))
        for utt, text in texts.items()
        if text
    ]
    context = make_context(lexicon.phones, sequences, config.units)
    den, by_phone = make_denominator(estimate(sequences, config.phone_lm), context, config.loss.leak)
    logger.info("denominator: %d states, %d arcs, %d pdfs", den.graph.num_states, len(den.graph.sources), den.num_pdfs)
    if unseen := den.unseen_pdfs():
        logger.warning("denominator: %d of %d pdfs are in no path, e.g. %d", len(unseen), den.num_pdfs, unseen[0])
    supervision = Supervision(texts, lexicon, by_phone, FlatStart(lexicon, context, config.data.flat_start_tolerance))
    kept, reasons = usable(list(texts), frames, supervision, config.data.max_seconds)
    tables.write_map(folder / "left_out", reasons)
    check_left_out(len(kept), reasons, config.data.max_left_out, str(data))
    train, valid = hold_out(data, kept, config.data.valid_utterances, seed)

    torch.manual_seed(seed)
    first = ivectors[train[0]] if ivectors is not None else np.zeros(0)
    feature_dim = features.shape(train[0])[1]
    model = AsrTdnn(config.model, feature_dim, first.shape[-1], den.num_pdfs)

    def batches(utts: list[str], order_seed: int | None) -> SpeechBatches:
        around = (model.left_context, model.right_context)
        restricted = config.data.flat_start_epochs if order_seed is not None else 0
        return SpeechBatches(
            utts, features, ivectors, supervision, around, config.data.batch_size, order_seed, restricted
        )

    train_batches = batches(train, seed)
    weight, bias = whitening(train_batches, limit=2000)
    model.lda.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    write_context(folder / "units.tsv", context)
    write_lexicon(folder / lang_dir.LEXICON, lexicon)
    logger.info("%d utterances for training, %d for validation", len(train), len(valid))
    if args.untrained:
        # Only the statistics of its batch norms are estimated from the data.
        model.train()
        with torch.no_grad():
            for batch, _ in itertools.islice(train_batches.batches(0), UNTRAINED_BATCHES):
                model(batch)
        model_dir.save_model(folder, model.eval(), [f"pdf{number}" for number in range(den.num_pdfs)])
        return
    loss = ChainLoss(den, config.loss)
    model = fit(model, train_batches, batches(valid, None) if valid else None, config.fit, folder, loss, args.device)
    if parallel.start(args.device).is_first:
        model_dir.save_model(folder, model, [f"pdf{number}" for number in range(den.num_pdfs)])


def hold_out(data: Path, utts: list[str], count: int, seed: int) -> tuple[list[str], list[str]]:
    """Draw `count` originals for validation; they and their copies (utt2uniq) are not trained on."""
    import numpy as np

    from ser.errors import SerError
    from ser.kaldi import tables

    path = data / "utt2uniq"
    originals = tables.read_map(path, fields=2) if path.exists() else {}
    sources = sorted({originals.get(utt, utt) for utt in utts} & set(utts))
    if count >= len(sources):
        raise SerError(f"{data}: {len(sources)} utterances, but data.valid_utterances is {count}; lower it")
    chosen = set(np.random.default_rng(seed).choice(sources, count, replace=False).tolist())
    train = [utt for utt in utts if originals.get(utt, utt) not in chosen]
    return train, [utt for utt in utts if utt in chosen]


if __name__ == "__main__":
    cli.run(main)
