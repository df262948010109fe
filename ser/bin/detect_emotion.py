"""Find the emotion in recordings: files of any format that libsndfile or ffmpeg read, or folders of them.

Prints a row per recording, or per window of a recording, with

  the start, the end, and the seconds of speech
  the emotion; "unknown" if all posteriors are below the model's threshold, or the distance to the training speech is
  over 1
  the posterior of each class, for equal priors

A recording that cannot be used gets a row with the reason; the other recordings are still classified, and the exit
status is 1. A window without speech is no failure. Warnings at the end say if the posteriors are not calibrated for new
speakers, and if the recordings are out of domain: more of them unlike the training speech than held-out speech is.
Once the package is installed, ser-detect is the same command.

  python3 -m ser.bin.detect_emotion --model exp/toy clip.wav another.flac folder/
  python3 -m ser.bin.detect_emotion --model exp/toy --window 3 --hop 1 --csv meeting.m4a > meeting.csv
"""

import argparse
import itertools
import logging
import os
import sys
from collections.abc import Iterator

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.fromfile_prefix_chars = None  # a recording may be called @anything
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="a detector (make_detector), or a run that has one"
    )
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--text", metavar="WORDS", help="the words of the recording, if you give only one")
    words.add_argument(
        "--text-file",
        metavar="FILE",
        help="lines of a recording, a tab or blanks, and its words. The recording is its path, or the end of it, such"
        " as folder/name.wav or folder/name. Recordings that are not listed are scored by speech alone",
    )
    parser.add_argument(
        "--speaker-of",
        metavar="FILE",
        help="lines of a recording, a tab and its speaker: if a speaker has two recordings or more, their mean is"
        " subtracted from each. No label is used, but the result depends on the other recordings",
    )
    parser.add_argument("--window", type=float, metavar="S", help="emotion over time, in windows of S seconds")
    parser.add_argument("--hop", type=float, metavar="S", help="seconds from one window to the next")
    parser.add_argument(
        "--enrol",
        action="append",
        default=[],
        metavar="CLASS=FILE[,FILE...]",
        help="add a class by examples, files or folders; speech alone. Repeat the option for more classes or examples",
    )
    parser.add_argument(
        "--channel",
        type=channel,
        metavar="1|2|...|each",
        help="use one channel, or each channel by itself in a row of its own [the mean of all]",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_const", const="json", dest="form", help="one JSON object per line")
    form.add_argument("--csv", action="store_const", const="csv", dest="form", help="CSV with a heading")
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="also write the result as a page that opens from disk and plays the recordings. It shows emotion over"
        " time; without --window and words, in the model's windows",
    )
    parser.add_argument("--num-threads", type=int, metavar="N", help="CPU threads of the net [all cores]")
    parser.add_argument("recordings", nargs="+", metavar="<recording>", help="file or folder")
    args = parser.parse_args()
    over_time = args.window is not None or args.hop is not None
    if over_time and (args.text is not None or args.text_file):
        raise SerError(
            "--text and --text-file give the words of whole recordings; leave out these, or --window and --hop"
        )
    over_time = over_time or bool(args.html and args.text is None and not args.text_file)
    if args.speaker_of and args.channel == "each":
        raise SerError("--speaker-of: each channel may be of another speaker; choose one by --channel, or leave it out")
    if args.num_threads:  # before numpy is imported
        os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(args.num_threads)

    from ser.detect import Detection, Detector
    from ser.detect.output import format_lines
    from ser.detect.recordings import count_channels, find_recordings
    from ser.detect.remarks import Remarks
    from ser.detect.speakers import read_speakers
    from ser.detect.text_file import read_texts

    files = list(find_recordings(args.recordings))
    if args.text is not None and len(files) != 1:
        raise SerError(f"--text is for one recording, found {len(files)}; give --text-file")
    texts = read_texts(args.text_file, files) if args.text_file else {files[0]: args.text}
    detector = Detector.load(args.model)
    for name, examples in class_examples(args.enrol).items():
        detector = detector.enrol(name, examples)
    if args.text is not None or args.text_file:
        detector.require_text()
    if args.speaker_of:
        detector = detector.with_speakers(read_speakers(args.speaker_of, files), texts, args.channel)
    failed, remarks = [], Remarks(detector)
    chosen = [
        (file, number)
        for file in files
        for number in (range(1, count_channels(file) + 1) if args.channel == "each" else [args.channel])
    ]

    def detect() -> Iterator[Detection]:
        for file, number in chosen:
            try:
                if over_time:
                    rows = detector.windows(file, args.window, args.hop, number)
                else:
                    rows = iter([detector(file, texts.get(file), number)])
                for detection in rows:
                    remarks.add(detection)
                    yield detection
            except SerError as error:
                failed.append(file)
                reason = str(error).removeprefix(f"{file}: ")
                yield Detection(str(file), 0.0, 0.0, 0.0, "speech", None, {}, reason, channel=number)

    found = detect()
    if args.html:
        found, for_page = itertools.tee(found)  # the rows are printed as they come, the page is made of all of them
    if not sys.stdout.isatty():  # a person who watches the rows needs no bar between them
        found = cli.progress(found, None, "windows") if over_time else cli.progress(found, len(chosen), "recordings")
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]  # names
    also = ["channel"] * (args.channel is not None) + ["speaker"] * bool(args.speaker_of)
    for line in format_lines(found, detector.classes, args.form or "table", also):
        print(line, flush=True)
    for line in remarks.lines():
        logger.warning("%s: %s", args.model, line)
    if args.html:
        from ser.files import write_text
        from ser.report.timeline_page import timeline_page

        write_text(args.html, timeline_page(list(for_page), detector.classes, sound_of, remarks.lines()))
    if failed:
        raise SerError(f"{len(set(failed))} of {len(files)} recordings could not be used; their rows say why")


def sound_of(file: str, channel: int | None) -> tuple[str, float]:
    """Return a recording's sound for a page, and its seconds, cut to a maximum; ("", 0) if it cannot be read."""
    import numpy as np

    from ser.detect.recordings import read_chunks
    from ser.report.clip import MOST_EMBEDDED, RATE, sound_uri

    chunks, count = [], 0
    try:
        for chunk in read_chunks(file, RATE, channel):
            chunks.append(chunk)
            count += len(chunk)
            if count >= MOST_EMBEDDED * RATE:
                break
    except SerError:
        return "", 0.0
    samples = np.concatenate(chunks)[: int(MOST_EMBEDDED * RATE)]
    return sound_uri(samples), len(samples) / RATE


def channel(text: str) -> int | str:
    """Parse --channel: a number from 1, or ``each``."""
    if text == "each":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, or each; found '{text}'")
    return int(text)


def class_examples(enrol: list[str]) -> dict[str, list[str]]:
    """Read the options --enrol: class -> its examples."""
    examples: dict[str, list[str]] = {}
    for words in enrol:
        name, equals, listed = words.partition("=")
        if not equals or not listed:
            raise SerError(f"--enrol: expected CLASS=FILE[,FILE...], found '{words}'")
        # A file's name may have commas: a piece that is no file is joined with the next one.
        pieces, files = listed.split(","), examples.setdefault(name, [])
        while pieces:
            count = next((n for n in range(len(pieces), 0, -1) if os.path.exists(",".join(pieces[:n]))), 1)
            files.append(",".join(pieces[:count]))
            pieces = pieces[count:]
    return examples


def script() -> None:
    """Run the command as the console script ser-detect."""
    cli.run(main)


if __name__ == "__main__":
    cli.run(main)
