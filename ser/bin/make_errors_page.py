"""Make the page of a run's errors: errors.html, one file that opens from disk and plays its clips.

It shows the most confident mistakes, the most and the least certain utterances, and some of each pair of classes and
each speaker, with spectrogram, pitch, words, the annotators' votes and the nearest training utterances.
Recordings of corpora that must not be redistributed are never embedded.

  python3 -m ser.bin.make_errors_page --audio worst --train data/toy/embedded exp/toy data/toy/test_none
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--audio", choices=("none", "worst", "all"), default="worst", help="clips to embed [%(default)s]"
    )
    parser.add_argument(
        "--corpus",
        metavar="'NAME ...'",
        help="the test corpora, of which some must not be redistributed [those that the row's column `test` names]",
    )
    parser.add_argument("--count", metavar="N", type=int, default=20, help="length of the lists [%(default)s]")
    parser.add_argument(
        "--row",
        metavar="'COLUMN=VALUE ...'",
        default="",
        help="row of the results to show, such as 'layer=tdnn7 test=iemocap'; of several, the best [the best]",
    )
    parser.add_argument("--train", default="", metavar="'DIR ...'", help="data dirs of the training utterances")
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write [<exp-dir>/errors.html]")
    parser.add_argument("exp_dir", metavar="<exp-dir>", type=Path, help="folder of a run, such as exp/toy")
    parser.add_argument("test_dir", metavar="<test-dir>", help="data dir of all utterances that the run scored")
    args = parser.parse_args()

    import logging

    from ser.corpora.licences import NOT_TO_BE_SHARED
    from ser.errors import SerError
    from ser.files import write_text
    from ser.report.errors import Known, choose, choose_row, parse_row, read_judgements
    from ser.report.errors_page import errors_page
    from ser.report.experiment import read_experiment
    from ser.report.recordings import Recordings
    from ser.results.result_table import scored_corpora

    logger = logging.getLogger(__name__)
    if args.count < 1:
        raise SerError(f"--count {args.count}: give 1 or more")
    if not args.exp_dir.is_dir():
        raise SerError(f"{args.exp_dir}: no such folder; give that of a run, which ./run.sh makes")
    out = args.out or args.exp_dir / "errors.html"
    run = read_experiment(args.exp_dir)
    if not any(row.folders for panel in run.panels for row in panel.cells):
        out.unlink(missing_ok=True)
        logger.warning("%s: no row of its results has figures, so there is no page of errors", args.exp_dir)
        return
    row = choose_row(run, parse_row(args.row))
    known = Known.read([args.test_dir, *args.train.split()])
    judgements = read_judgements(row, known)
    chosen = choose(judgements, args.count)
    audio, heard = args.audio, {"none": "No clip is embedded.", "all": "Every card can be heard."}.get(args.audio)
    corpora = scored_corpora(row.row.test) if args.corpus is None else args.corpus.split()
    kept = [f"{name} is {NOT_TO_BE_SHARED[name]}" for name in corpora if name in NOT_TO_BE_SHARED]
    if kept and audio != "none":
        audio, heard = "none", f"No clip is embedded: {'; '.join(kept)}."
        logger.warning("%s", heard)
    heard = heard or "The most confident mistakes can be heard."
    audible = {one.utt for one in chosen if audio == "all" or (audio == "worst" and "mistakes" in one.lists)}
    recordings = Recordings(known, audible)
    clips = {one.utt: recordings(one.utt) for one in cli.progress(chosen, len(chosen), "clips")}
    write_text(out, errors_page(judgements, chosen, known, clips.get, heard))
    logger.info("%s: %d cards, %d with sound, %d kB", out, len(chosen), len(audible), out.stat().st_size // 1000)


if __name__ == "__main__":
    cli.run(main)
