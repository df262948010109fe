"""Compare the layers of an audio encoder on a corpus with folds: a table with one row per layer.

Reads <embeddings>/<layer>.scp of extract_audio_embeddings, and utt2emo, utt2spk and utt2fold of the data dir. UA is the
unweighted average recall, WA the accuracy, EER the equal error rate of all pairs of test utterances; all are in percent
and pooled over the folds. Each back end is tested on the vectors as they are, and on vectors normalised by each
speaker's mean and standard deviation, which needs several utterances of a speaker but no labels.

  python3 -m ser.bin.compare_layers --layers "9 10 final" data/ravdess exp/yamnet/ravdess exp/yamnet/layers.tsv
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--layers", metavar="'NAME ...'", default="final", help="layers to compare [%(default)s]")
    parser.add_argument(
        "--config", metavar="FILE", default="conf/ravdess/backend.yaml", help="settings of PLDA [%(default)s]"
    )
    parser.add_argument("data_dir", metavar="<data-dir>", help="with utt2emo, utt2spk and utt2fold")
    parser.add_argument("embeddings", metavar="<embeddings>", help="folder of the vectors")
    parser.add_argument("table", metavar="<table>", help="file to write")
    args = parser.parse_args()

    from ser.backend.chain import BackendConfig
    from ser.backend.layers import cross_validate
    from ser.backend.speaker_normalisation import ALL, SpeakerNormalisation
    from ser.config import load_config
    from ser.errors import SerError
    from ser.files import tab_separated, write_text
    from ser.kaldi import tables
    from ser.kaldi.labelled import read_labelled

    config = load_config(BackendConfig, args.config)
    data = Path(args.data_dir)
    if not (data / "utt2fold").exists():
        raise SerError(f"{data}: no utt2fold; prepare the corpus with --folds")
    utt2fold, utt2spk = (tables.read_map(data / name, fields=2) for name in ("utt2fold", "utt2spk"))
    rows = []
    for layer in args.layers.replace(",", " ").split():
        read = read_labelled(data / "utt2emo", f"scp:{args.embeddings}/{layer}.scp")
        folds, speakers = [utt2fold[utt] for utt in read.utts], [utt2spk[utt] for utt in read.utts]
        row: list[str] = [layer, str(read.vectors.shape[1])]
        normalised = SpeakerNormalisation.parse(ALL).apply(read.vectors, speakers, scale=True)
        for vectors in (read.vectors, normalised):
            for classifier in ("plda", "svm"):
                found = cross_validate(vectors, read.labels, folds, classifier, config)
                row += [f"{100 * found.unweighted:.1f}", f"{100 * found.weighted:.1f}"]
                if found.eer is not None:
                    row.append(f"{100 * found.eer:.1f}")
        rows.append(row)
        logger.info("layer %s: UA %s by PLDA, %s by an SVM; by speaker %s, %s", layer, row[2], row[5], row[7], row[10])
    kinds = [
        f"{name}{suffix}"
        for suffix in ("", "_speaker")
        for name in ("plda_UA", "plda_WA", "plda_EER", "svm_UA", "svm_WA")
    ]
    write_text(args.table, tab_separated(["layer", "numbers", *kinds], rows))


if __name__ == "__main__":
    cli.run(main)
