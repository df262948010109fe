"""Check that test data and the training data of the models that are scored on it share nothing; if not, exit with 1.

The audit compares

  speakers, sessions (utt2fold) and dialogues
  utterances, and the originals of augmented copies
  recordings, by their samples
  recordings, by their spectra: this finds copies that were compressed, resampled, cut, padded, made softer or a little
  faster; spectra are made of system A's MFCC if the corpora have them, else of the recordings
  the words of dialogues, also if they are only nearly equal

Two more figures are reported and are no leak: the number of sentences that both sides speak, and the number of test
utterances whose class follows from the sentence, by a table of sentences and classes of the training data. The table
--out has a row per check: test, role, train, check, status (ok, LEAK, shared, or not told), count, examples.

A combined data dir lacks the tables that only some of its corpora have, such as utt2dialogue; these are read from the
data dirs of --corpora. Without --corpora, the folds of all data dirs are taken to be those of one corpus.

  python3 -m ser.bin.audit_protocol --corpora "data/toy/cremad data/toy/iemocap" --out exp/toy/audit/1.tsv \\
    data/toy/test_1 pretrain=data/toy/pretrain_none finetune=data/toy/finetune_1 backend=data/toy/backend_1
"""

import logging
from collections import Counter

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--corpora", default="", metavar="'DIR ...'", help="data dirs of the corpora that were combined"
    )
    parser.add_argument("--out", metavar="FILE", help="table to write [the screen]")
    parser.add_argument(
        "--report-only",
        type=cli.boolean,
        default=False,
        help="report leaks and do not fail, for a paper's split by utterances, not by speakers [%(default)s]",
    )
    parser.add_argument("test", metavar="<test>", help="data dir of the test data")
    parser.add_argument(
        "train", nargs="+", metavar="<role>=<data-dir>", help="role and data dir of each model's training data"
    )
    args = parser.parse_args()

    from ser.files import write_text
    from ser.kaldi import datadir
    from ser.protocol.audit import LEAK, SENTENCE_TABLE, audit, to_tsv
    from ser.protocol.inventory import Corpora, Inventory

    corpora = Corpora(args.corpora.split())
    # If a table lacked an utterance or had it twice, the audit would be of other data than the test.
    datadir.validate(args.test, feats=False, wav=False, text=False)
    test = Inventory(args.test, corpora)
    findings = []
    for pair in args.train:
        role, equals, data_dir = pair.partition("=")
        if not (role and equals and data_dir):
            raise SerError(f"expected <role>=<data dir>, such as finetune=data/finetune_1; found '{pair}'")
        datadir.validate(data_dir, feats=False, wav=False, text=False)
        findings += audit(test, role, Inventory(data_dir, corpora))
    if args.out:
        write_text(args.out, to_tsv(findings))
    else:
        print(to_tsv(findings), end="")
    for finding in findings:
        if finding.check == SENTENCE_TABLE and finding.count:
            logger.info("%s, by the training data of the %s model: %s", args.test, finding.role, finding.examples)
    leaks = [finding for finding in findings if finding.status == LEAK]
    if leaks and not args.report_only:
        raise SerError("\n  ".join([f"{args.test} is not held out:", *(finding.message() for finding in leaks)]))
    if leaks:
        counts = ", ".join(f"{finding.count} {finding.check} with {finding.role}" for finding in leaks)
        logger.warning("%s is not held out: it shares %s", args.test, counts)
        return
    shared = Counter({finding.role: finding.count for finding in findings if finding.check == "sentences"})
    said = ", ".join(f"{count} with {role}" for role, count in sorted(shared.items()) if count)
    roles = " ".join(dict.fromkeys(finding.role for finding in findings))
    logger.info("%s is held out of %s; shared sentences: %s", args.test, roles, said or "none")


if __name__ == "__main__":
    cli.run(main)
