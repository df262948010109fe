"""Files that are damaged, changed or gone between two stages of a run."""

import os
import random
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NamedTuple

from outcome import Outcome, judge
from sandbox import GRID, SYSTEM_A, SYSTEM_D, Driver, Sandbox

Damage = Callable[[bytes, random.Random], bytes | None]


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def emptied(data: bytes, rng: random.Random) -> bytes:
    return b""


def flipped(data: bytes, rng: random.Random) -> bytes:
    """Change one bit."""
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def without_a_line(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def with_a_line_twice(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    return b"".join([*lines[:place], lines[place], *lines[place:]])


def unsorted(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[1:], lines[0]])


def gone(data: bytes, rng: random.Random) -> None:
    return None


class FileFault(NamedTuple):
    """Damage to a file that fits the pattern, after the stages before `stage`, which then runs.

    Without `check` the run is told not to look at what earlier stages wrote, so that the readers are on their own. With
    `again` the stage has run before, and the file is one that it wrote.
    """

    name: str
    damage: Damage
    stage: int
    pattern: str
    check: bool = True
    again: bool = False


_SYSTEM_A = (
    FileFault("truncated ark", truncated, 2, "data/toy/voxceleb1/data/vad_*.1.ark"),
    FileFault("truncated ark", truncated, 3, "data/toy/voxceleb1_no_sil/data/no_sil_*.1.ark"),
    FileFault("truncated ark", truncated, 4, "data/toy/cremad_no_sil/data/no_sil_*.2.ark"),
    FileFault("truncated ark", truncated, 8, "exp/toy/embeddings_1/tdnn6.1.ark"),
    FileFault("flipped bit, ark", flipped, 3, "data/toy/voxceleb1_aug_no_sil/data/*.1.ark"),
    FileFault("flipped bit, ark", flipped, 4, "data/toy/iemocap_no_sil/data/*.1.ark"),
    FileFault("flipped bit, ark", flipped, 7, "exp/toy/text_embeddings_none/*.1.ark"),
    FileFault("flipped bit, ark", flipped, 8, "exp/toy/speech+text_2/tdnn7.ark"),
    FileFault("flipped bit, model", flipped, 4, "exp/toy/pretrain_none/model.safetensors"),
    FileFault("flipped bit, model", flipped, 5, "exp/toy/finetune_3/model.safetensors"),
    FileFault("flipped bit, model", flipped, 7, "exp/toy/text_none/encoder/model.safetensors"),
    FileFault("flipped bit, model", flipped, 9, "exp/toy/cells/speech_tdnn6_none/backend/plda"),
    FileFault("flipped bit, model", flipped, 9, "exp/toy/cells/speech_tdnn6_1/backend/lda.mat"),
    FileFault("flipped bit, config", flipped, 5, "exp/toy/finetune_1/config.yaml"),
    FileFault("flipped bit, config", flipped, 7, "exp/toy/text_none/config.yaml"),
    FileFault("flipped bit, config", flipped, 9, "exp/toy/cells/text_bert_none/backend/config.yaml"),
    FileFault("flipped bit, table", flipped, 9, "exp/toy/cells/speech_tdnn7_4/bootstrap.tsv"),
    FileFault("flipped bit, table", flipped, 6, "data/toy/dailydialog_emotion/text"),
    FileFault("missing line", without_a_line, 1, "data/toy/cremad/wav.scp"),
    FileFault("missing line", without_a_line, 3, "data/toy/pretrain_none/feats.scp"),
    FileFault("missing line", without_a_line, 4, "data/toy/finetune_2/utt2emo"),
    FileFault("missing line", without_a_line, 8, "exp/toy/embeddings_none/tdnn7.scp"),
    FileFault("missing line", without_a_line, 9, "exp/toy/cells/list"),
    FileFault("duplicate utterance", with_a_line_twice, 1, "data/toy/iemocap/utt2spk"),
    FileFault("duplicate utterance", with_a_line_twice, 3, "data/toy/pretrain_none/feats.scp"),
    FileFault("duplicate utterance", with_a_line_twice, 8, "data/toy/backend_1/utt2emo"),
    FileFault("unsorted file", unsorted, 1, "data/toy/voxceleb1/wav.scp"),
    FileFault("unsorted file", unsorted, 2, "data/toy/cremad_no_sil/feats.scp"),
    FileFault("unsorted file", unsorted, 8, "data/toy/test_1/utt2emo"),
    FileFault("empty file", emptied, 4, "exp/toy/pretrain_none/model.safetensors"),
    FileFault("empty file", emptied, 2, "data/toy/iemocap/utt2fold"),
    FileFault("missing file", gone, 3, "data/toy/pretrain_none/utt2uniq"),
    FileFault("missing file", gone, 8, "data/toy/test_3/utt2dialogue"),
    FileFault("missing file", gone, 9, "exp/toy/cells/speech_tdnn6_2/result.tsv"),
    FileFault("recording shrinks", truncated, 1, "data/toy/corpora/CREMA-D/AudioWAV/*.wav"),
    FileFault("recording shrinks", truncated, 2, "data/toy/corpora/musan/*/*/*.wav"),
    FileFault("unchecked: truncated ark", truncated, 4, "data/toy/cremad_no_sil/data/no_sil_*.2.ark", False),
    FileFault("unchecked: truncated ark", truncated, 8, "exp/toy/speech+text_1/tdnn6.ark", False),
    FileFault("unchecked: flipped bit, model", flipped, 4, "exp/toy/pretrain_none/model.safetensors", False),
    FileFault("unchecked: duplicate utterance", with_a_line_twice, 3, "data/toy/pretrain_none/feats.scp", False),
    FileFault("unchecked: missing line", without_a_line, 8, "exp/toy/embeddings_none/tdnn7.scp", False),
    FileFault("unchecked: missing line", without_a_line, 1, "data/toy/cremad/wav.scp", False),
    FileFault("unchecked: missing line", without_a_line, 4, "data/toy/finetune_2/utt2emo", False),
    FileFault("unchecked: missing line", without_a_line, 8, "data/toy/test_1/utt2emo", False),
    FileFault("unchecked: unsorted file", unsorted, 8, "data/toy/test_1/utt2emo", False),
    FileFault("stage again: flipped bit, model", flipped, 3, "exp/toy/pretrain_none/model.safetensors", again=True),
    FileFault("stage again: flipped bit, model", flipped, 6, "exp/toy/text_none/encoder/model.safetensors", again=True),
    FileFault("stage again: missing line", without_a_line, 3, "exp/toy/pretrain_none/classes.txt", again=True),
    FileFault("stage again: flipped bit, ark", flipped, 1, "data/toy/cremad/data/raw_*.1.ark", again=True),
    FileFault("stage again: flipped bit, table", flipped, 8, "exp/toy/cells/speech_tdnn6_1/bootstrap.tsv", again=True),
    FileFault("recording vanishes", gone, 1, "data/toy/corpora/IEMOCAP_full_release/*/*/wav/*/*.wav"),
)

_SYSTEM_D = (
    FileFault("truncated ark", truncated, 2, "data/toy_vgg_bert/iemocap_labelled/data/*.1.ark"),
    FileFault("flipped bit, model", flipped, 3, "exp/toy_vgg_bert/vgg_1/model.safetensors"),
    FileFault("flipped bit, ark", flipped, 4, "exp/toy_vgg_bert/posteriors_2/text*.ark"),
    FileFault("flipped bit, ark", flipped, 5, "exp/toy_vgg_bert/embeddings_random/speech.ark"),
    FileFault("missing line", without_a_line, 2, "data/toy_vgg_bert/valid_1/utt2emo"),
    FileFault("missing line", without_a_line, 6, "exp/toy_vgg_bert/fusion_3/posteriors.scp"),
    FileFault("missing file", gone, 7, "exp/toy_vgg_bert/cells/*/result.tsv"),
    FileFault("recording shrinks", truncated, 1, "data/toy_vgg_bert/corpora/IEMOCAP_full_release/*/*/wav/*/*.wav"),
    FileFault("unchecked: flipped bit, model", flipped, 4, "exp/toy_vgg_bert/bert_1/encoder/model.safetensors", False),
    FileFault("unchecked: truncated ark", truncated, 4, "exp/toy_vgg_bert/posteriors_1/speech*.ark", False),
    FileFault("stage again: flipped bit, model", flipped, 2, "exp/toy_vgg_bert/vgg_2/model.safetensors", again=True),
    FileFault("stage again: flipped bit, ark", flipped, 3, "exp/toy_vgg_bert/embeddings_2/text.ark", again=True),
)
# After a finished grid, which is then run again.
_GRID = (
    FileFault("flipped bit, ark", flipped, 0, "exp/toy/experiments/toy/artefacts/embeddings-*/*.1.ark", again=True),
    FileFault(
        "flipped bit, model", flipped, 0, "exp/toy/experiments/toy/artefacts/net-*/model/*.safetensors", again=True
    ),
    FileFault("missing file", gone, 0, "exp/toy/experiments/toy/artefacts/cell-*/cell/result.tsv", again=True),
    FileFault("missing line", without_a_line, 0, "exp/toy/experiments/toy/artefacts/role-*/data/utt2emo", again=True),
    FileFault("missing line", without_a_line, 0, "exp/toy/embeddings_1/tdnn6.scp", again=True),
)
_FAULTS: dict[Driver, tuple[FileFault, ...]] = {SYSTEM_A: _SYSTEM_A, SYSTEM_D: _SYSTEM_D, GRID: _GRID}


def faults(sandbox: Sandbox, seed: int) -> Generator[Outcome, None, None]:
    """Damage a file; the time of its last change stays, as when a disk rots."""
    script = sandbox.driver.script
    for index, fault in enumerate(_FAULTS[sandbox.driver]):
        where, before = f"{script} {fault.stage}", fault.stage if fault.again else fault.stage - 1
        sandbox.restore(before)
        found = sorted(sandbox.root.glob(fault.pattern))
        if not found:
            yield Outcome(fault.name, where, "lost", f"no file {fault.pattern}")
            continue
        rng = random.Random(f"{seed}-{index}")
        path = rng.choice(found)
        damage(path, fault.damage, rng)
        done = sandbox.run_stage(fault.stage, "--check-inputs", "true" if fault.check else "false")
        named = str(path.relative_to(sandbox.root))
        yield judge(sandbox, fault.name, where, done, fault.stage, named, named)
        sandbox.restore(before, touched=path)
    if sandbox.driver is SYSTEM_A:
        yield from _while_at_work(sandbox)


def _while_at_work(sandbox: Sandbox) -> Iterator[Outcome]:
    """Take a recording away between stage 0, which lists it, and the reading of stage 1, of one run."""
    sandbox.restore(-1)
    run = sandbox.start("--stop-stage", 1)
    while not (sandbox.root / sandbox.exp / "log" / "stage_1.began").exists():
        time.sleep(0.02)
    recording = sorted(sandbox.root.glob("data/toy/corpora/IEMOCAP_full_release/*/*/wav/*/*.wav"))[-1]
    recording.unlink()
    yield judge(
        sandbox,
        "recording vanishes",
        "./run.sh 1, at work",
        run.wait(),
        1,
        recording.name,
        str(recording),
        must_stop=True,
    )


def damage(path: Path, change: Damage, rng: random.Random) -> None:
    """Change the contents of a file, not its times."""
    status = path.stat()
    data = change(path.read_bytes(), rng)
    if data is None:
        path.unlink()
        return
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
