"""The files that are damaged between two stages of each driver, and the ways of damage."""

import random
from collections.abc import Callable
from typing import NamedTuple

from sandbox import CROSS_CORPUS, GRID, SYSTEM_A, SYSTEM_B, SYSTEM_C, SYSTEM_D, Driver

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
    FileFault("truncated ark", truncated, 4, "data/toy/cremad_no_sil/data/no_sil_*.1.ark"),
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
    FileFault("unchecked: truncated ark", truncated, 4, "data/toy/cremad_no_sil/data/no_sil_*.1.ark", False),
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
    FileFault("truncated ark", truncated, 2, "data/toy_vgg_bert/iemocap_classes/data/*.1.ark"),
    FileFault("flipped bit, model", flipped, 3, "exp/toy_vgg_bert/vgg_random/model.safetensors"),
    FileFault("flipped bit, ark", flipped, 4, "exp/toy_vgg_bert/posteriors_random/text*.ark"),
    FileFault("flipped bit, ark", flipped, 5, "exp/toy_vgg_bert/embeddings_random/speech.ark"),
    FileFault("missing line", without_a_line, 2, "data/toy_vgg_bert/valid_random/utt2emo"),
    FileFault("missing line", without_a_line, 6, "exp/toy_vgg_bert/fusion_random/posteriors.scp"),
    FileFault("missing file", gone, 7, "exp/toy_vgg_bert/cells/*/result.tsv"),
    FileFault("recording shrinks", truncated, 1, "data/toy_vgg_bert/corpora/IEMOCAP_full_release/*/*/wav/*/*.wav"),
    FileFault("unchecked: missing line", without_a_line, 6, "exp/toy_vgg_bert/fusion_random/posteriors.scp", False),
    FileFault("unchecked: truncated ark", truncated, 4, "exp/toy_vgg_bert/posteriors_random/speech*.ark", False),
    FileFault(
        "stage again: flipped bit, model", flipped, 2, "exp/toy_vgg_bert/vgg_random/model.safetensors", again=True
    ),
    FileFault(
        "stage again: flipped bit, model", flipped, 3, "exp/toy_vgg_bert/bert_random/*/model.safetensors", again=True
    ),
    FileFault("stage again: flipped bit, ark", flipped, 3, "exp/toy_vgg_bert/embeddings_random/text.ark", again=True),
)
_SYSTEM_B = (
    FileFault("truncated ark", truncated, 2, "data/toy_asr_tdnn/tedlium_train_copies/volume/*.ark"),
    FileFault("flipped bit, model", flipped, 3, "exp/toy_asr_tdnn/extractor/final.ie"),
    FileFault("flipped bit, ark", flipped, 4, "exp/toy_asr_tdnn/ivectors_train/*.ark"),
    FileFault("missing line", without_a_line, 4, "data/toy_asr_tdnn/lang/lexicon.txt"),
    FileFault("missing line", without_a_line, 7, "data/toy_asr_tdnn/rest_1/utt2emo"),
    FileFault("flipped bit, model", flipped, 5, "exp/toy_asr_tdnn/asr/model.safetensors"),
    FileFault("missing file", gone, 8, "exp/toy_asr_tdnn/frames/pretrained_layer12/*/model.safetensors"),
    FileFault("unchecked: truncated ark", truncated, 7, "exp/toy_asr_tdnn/bottlenecks/pretrained/frames/*.ark", False),
    FileFault("unchecked: flipped bit, model", flipped, 5, "exp/toy_asr_tdnn/asr/model.safetensors", False),
    FileFault("stage again: flipped bit, ark", flipped, 2, "exp/toy_asr_tdnn/ivectors_iemocap/*.ark", again=True),
    FileFault("stage again: flipped bit, model", flipped, 4, "exp/toy_asr_tdnn/asr/model.safetensors", again=True),
)
_SYSTEM_C = (
    FileFault("recording shrinks", truncated, 2, "data/toy_coattention/corpora/VoxCeleb1/*/*/*/*.wav"),
    FileFault("truncated ark", truncated, 6, "exp/toy_coattention/tokens/savee.ark"),
    FileFault("flipped bit, model", flipped, 3, "exp/toy_coattention/triplet/model.safetensors"),
    FileFault("flipped bit, ark", flipped, 6, "exp/toy_coattention/states/triplet_savee/*.ark"),
    FileFault("missing line", without_a_line, 6, "data/toy_coattention/train_savee_1/utt2emo"),
    FileFault("missing file", gone, 7, "exp/toy_coattention/text_savee_1/posteriors.scp"),
    FileFault(
        "unchecked: flipped bit, model", flipped, 5, "exp/toy_coattention/text_model/encoder/model.safetensors", False
    ),
    FileFault("unchecked: truncated ark", truncated, 7, "exp/toy_coattention/text_savee_1/posteriors.ark", False),
    FileFault("stage again: flipped bit, ark", flipped, 5, "exp/toy_coattention/tokens/savee.ark", again=True),
    FileFault(
        "stage again: flipped bit, model", flipped, 4, "exp/toy_coattention/text_model/*/model.safetensors", again=True
    ),
)
_CROSS_CORPUS = (
    FileFault("truncated ark", truncated, 2, "data/toy_cross_corpus/cremad_no_sil/data/no_sil_*.1.ark"),
    FileFault("flipped bit, model", flipped, 3, "exp/toy_cross_corpus/net_ravdess/model.safetensors"),
    FileFault("missing line", without_a_line, 4, "data/toy_cross_corpus/cremad_shared/utt2emo"),
    FileFault("missing file", gone, 5, "exp/toy_cross_corpus/cells/*/result.tsv"),
    FileFault("unchecked: flipped bit, ark", flipped, 4, "exp/toy_cross_corpus/embeddings_cremad/tdnn6.1.ark", False),
    FileFault(
        "stage again: flipped bit, model", flipped, 2, "exp/toy_cross_corpus/net_cremad/model.safetensors", again=True
    ),
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
FILE_FAULTS: dict[Driver, tuple[FileFault, ...]] = {
    SYSTEM_A: _SYSTEM_A,
    SYSTEM_B: _SYSTEM_B,
    SYSTEM_C: _SYSTEM_C,
    SYSTEM_D: _SYSTEM_D,
    CROSS_CORPUS: _CROSS_CORPUS,
    GRID: _GRID,
}
