from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ser.ivector.online_cmvn import OnlineCmvnOptions, cmvn_stats, online_cmvn
from ser.ivector.splice import Splice
from ser.kaldi import ark, tables
from ser.kaldi.ivector_files import SpliceOptions
from ser.kaldi.options import read_options


@pytest.fixture(scope="session")
def own() -> Path:
    """The extractor of ../shared/kaldi_reference/ivector, without its data."""
    return Path(__file__).parent.parent / "kaldi_reference" / "ivector"


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Path]:
    """Find a folder of ../shared/kaldi_reference; skip where there is none."""

    def find(name: str) -> Path:
        folder = Path("../shared/kaldi_reference").resolve() / name
        if not folder.is_dir():
            pytest.skip(f"no {folder}")
        return folder

    return find


@pytest.fixture(scope="session")
def load_splice() -> Callable[[Path], Splice]:
    """Load a folder's front end."""

    def load(folder: Path) -> Splice:
        context = read_options(SpliceOptions, folder / "splice.conf")
        return Splice(context.left_context, context.right_context, ark.read_matrix_file(folder / "final.mat"))

    return load


@pytest.fixture(scope="session")
def normalised(load_splice) -> Callable[[Path], dict[str, np.ndarray]]:
    """Give what Kaldi's UBM was trained on, in a folder of the reference."""

    def normalise(folder: Path) -> dict[str, np.ndarray]:
        splice, stats = load_splice(folder), ark.read_matrix_file(folder / "global_cmvn.stats")
        features, found = ark.load(f"ark:{folder}/feats.ark"), {}
        for utts in tables.read_lists(folder / "spk2utt").values():
            history = None
            for utt in utts:
                found[utt] = splice(online_cmvn(features[utt], stats, history, OnlineCmvnOptions()))
                heard = cmvn_stats(features[utt])
                history = heard if history is None else history + heard
        return {utt: found[utt] for utt in sorted(found)}

    return normalise
