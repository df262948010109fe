"""What the original Kaldi binaries read and wrote (tests/kaldi_reference/backend)."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ser.backend.plda import Plda
from ser.kaldi import ark
from ser.kaldi.labelled import read_labelled, read_vectors
from ser.kaldi.plda_file import read_plda

FOLDER = Path(__file__).parents[1] / "kaldi_reference" / "backend"


@pytest.fixture(scope="session")
def kaldi():
    train = read_labelled(FOLDER / "train.utt2spk", f"ark:{FOLDER}/train.ark")
    utts, test = read_vectors(f"ark:{FOLDER}/test.ark")
    speakers, speaker_means = read_vectors(f"ark:{FOLDER}/spk_mean.ark")
    names = ("lda4.mat", "lda10.mat", "lda10_tcf0.1.mat")
    return SimpleNamespace(
        folder=FOLDER,
        train=train,
        test_utts=utts,
        test=test,
        adapt=read_vectors(f"ark:{FOLDER}/adapt.ark")[1],
        speakers=speakers,
        speaker_means=speaker_means,
        mean=ark.read_vector_file(FOLDER / "mean.vec").astype(np.float64),
        lda={name: ark.read_matrix_file(FOLDER / name).astype(np.float64) for name in names},
        plda={
            name: Plda(*read_plda(FOLDER / name))
            for name in ("plda", "plda4", "plda_3iters", "plda_adapted", "plda.txt")
        },
    )
