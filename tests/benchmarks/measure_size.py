"""Time and memory of what handles whole data dirs, against their size, on stand-ins of VoxCeleb; prints a table.

    python3 tests/benchmarks/measure_size.py [<utterances> ...]

A stand-in has VoxCeleb's speakers in proportion (7,323 for 1,276,888 utterances), a ffmpeg command a line in wav.scp,
and a feats.scp whose lines share a small archive; a back end is trained on a vector of 512 numbers for each utterance,
whose classes are the speakers, and scores as many trials, of one set of 1,000 vectors. A cell is wall seconds and the
peak of memory."""

import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ser.kaldi import ark, tables

HERE = Path(__file__).parent
SIZES = (10_000, 100_000, 1_000_000, 2_300_000)
SPEAKERS, UTTERANCES = 7323, 1_276_888
FRAMES, FEATURES, IN_ARCHIVE = 400, 33, 1000
VECTOR, LDA_DIM, SCORED = 512, 200, 1000


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    columns = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            columns.append({what: usage(command) for what, command in commands(Path(name), size)})
    print(f"| what | {' | '.join(f'{size:,}' for size in sizes)} |\n| --- |{' ---: |' * len(sizes)}")
    for what in columns[0]:
        print(f"| {what} | {' | '.join(column[what] for column in columns)} |")


def commands(folder: Path, size: int) -> Iterator[tuple[str, list[str]]]:
    """Yield what is measured and its command, in an order in which each finds what it needs."""
    write_features(folder)
    whole, halves = folder / "whole", [folder / "originals", folder / "copies"]
    utts = list(utterances(size))
    write_data_dir(whole, utts, folder, lambda number: True)
    for remainder, half in enumerate(halves):
        write_data_dir(half, utts, folder, lambda number, wanted=remainder: number % 2 == wanted)
    (folder / "list").write_text("".join(f"{utt}\n" for utt, _ in utts[::2]))
    yield "validate_data_dir", command("validate_data_dir", "--no-text", whole)
    yield "split_data_dir, 200 jobs", command("split_data_dir", whole, 200)
    yield "combine_data_dirs, of two halves", command("combine_data_dirs", folder / "combined", *halves)
    yield (
        "subset_data_dir, every other utterance",
        command("subset_data_dir", whole, folder / "list", folder / "subset"),
    )
    # A line of one table is lost, so that there is something to fix.
    feats = folder / "combined" / "feats.scp"
    feats.write_text(feats.read_text().partition("\n")[2])
    yield "fix_data_dir", command("fix_data_dir", folder / "combined")
    yield "opening a training set", [sys.executable, str(HERE / "open_training_set.py"), str(whole)]
    write_vectors(folder, utts)
    yield (
        "train_backend, 512 numbers",
        command(
            *("train_backend", "--lda-dim", LDA_DIM, whole / "utt2spk"),
            *(f"ark:{folder}/train.ark", folder / "backend"),
        ),
    )
    (folder / "train.ark").unlink()
    few = f"ark:{folder}/few.ark"
    yield (
        "score_backend, as many trials",
        command("score_backend", folder / "backend", few, few, folder / "trials", folder / "scores"),
    )


def command(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"ser.bin.{name}", *map(str, arguments)]


def usage(command: list[str]) -> str:
    done = subprocess.run([sys.executable, str(HERE / "usage.py"), *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return f"{found['wall']:.1f} s, {found['mb']:,.0f} MB"


def utterances(size: int) -> Iterator[tuple[str, str]]:
    """Yield (utterance, speaker), sorted."""
    per_speaker = -(-size // max(2, size * SPEAKERS // UTTERANCES))
    for number in range(size):
        spk = f"id{10000 + number // per_speaker}"
        video, clip = divmod(number % per_speaker, 10)
        yield f"{spk}-vid{video:07}-{clip:05}", spk


def write_features(folder: Path) -> None:
    rng = np.random.default_rng(0)
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp", compression=1) as writer:
        for number in range(IN_ARCHIVE):
            writer.write(f"{number:04}", rng.normal(size=(FRAMES, FEATURES)).astype(np.float32))


def write_vectors(folder: Path, utts: list[tuple[str, str]]) -> None:
    """Write a vector for each utterance, near its speaker's; a few to be scored, and a list of trials of these."""
    rng = np.random.default_rng(0)
    with ark.Writer(f"ark:{folder}/train.ark") as writer:
        for _, group in itertools.groupby(utts, key=lambda pair: pair[1]):
            centre = rng.normal(size=VECTOR)
            for utt, _ in group:
                writer.write(utt, (centre + rng.normal(size=VECTOR)).astype(np.float32))
    with ark.Writer(f"ark:{folder}/few.ark") as writer:
        for number in range(SCORED):
            writer.write(f"v{number:03}", rng.normal(size=VECTOR).astype(np.float32))
    with open(folder / "trials", "w") as stream:
        for start in range(0, len(utts), 1 << 16):
            pairs = rng.integers(0, SCORED, (min(1 << 16, len(utts) - start), 2))
            stream.writelines(f"v{enrol:03} v{test:03} nontarget\n" for enrol, test in pairs)


def write_data_dir(data_dir: Path, utts: list[tuple[str, str]], folder: Path, takes: Callable[[int], bool]) -> None:
    """Write the utterances whose numbers `takes` takes, line by line: the tables are larger than need be in memory."""
    data_dir.mkdir()
    entries = list(tables.read_map(folder / "feats.scp").values())
    lines: dict[str, Callable[[int, str, str], str]] = {
        "utt2spk": lambda number, utt, spk: spk,
        "wav.scp": lambda number, utt, spk: f"ffmpeg -v error -i /corpora/{spk}/{utt}.m4a -f wav -ac 1 -ar 16000 - |",
        "feats.scp": lambda number, utt, spk: entries[number % IN_ARCHIVE],
        "utt2num_frames": lambda number, utt, spk: str(FRAMES),
    }
    for name, value in lines.items():
        with open(data_dir / name, "w") as stream:
            stream.writelines(f"{utt} {value(n, utt, spk)}\n" for n, (utt, spk) in enumerate(utts) if takes(n))
    with open(data_dir / "spk2utt", "w") as stream:
        chosen = (pair for number, pair in enumerate(utts) if takes(number))
        for spk, group in itertools.groupby(chosen, key=lambda pair: pair[1]):
            stream.write(f"{spk} {' '.join(utt for utt, _ in group)}\n")


if __name__ == "__main__":
    main()
