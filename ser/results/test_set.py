"""Reads the scored utterances with their speakers, sentences and dialogues from a data dir."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.kaldi import tables
from ser.kaldi.datadir import normalise_text
from ser.kaldi.labelled import read_speakers
from ser.metrics.strata import Utterances


def read_utterances(
    data_dir: str | Path,
    utts: Sequence[str],
    labels: np.ndarray,
    classes: Sequence[str],
    all_spk2utt: str | Path | None = None,
) -> Utterances:
    """Read ``utt2spk``, and ``text`` and ``utt2dialogue`` if they exist, for the utterances `utts`.

    Parameters
    ----------
    labels, classes : labels of `utts` and their classes, see `Utterances`.
    all_spk2utt : spk2utt of the whole test corpus; if None, the speakers are those of the data dir.
    """
    data_dir = Path(data_dir)
    speakers = read_speakers(data_dir / "utt2spk", utts)
    all_speakers = tables.sort_keys(tables.read_map(all_spk2utt) if all_spk2utt else set(speakers.tolist()))
    if unknown := set(speakers.tolist()) - set(all_speakers):
        raise SerError(f"{all_spk2utt}: no speaker {', '.join(sorted(unknown)[:5])}, who is in {data_dir}/utt2spk")

    def numbers(name: str, normalise: Callable[[str], str]) -> np.ndarray | None:
        path = data_dir / name
        if not path.exists():
            return None
        known = {utt: normalise(value) for utt, value in tables.read_map(path, allow_empty=True).items()}
        # An utterance without a value gets a unique one, so that it shares it with no other utterance.
        values = [f"known {known[utt]}" if known.get(utt) else f"of {utt} alone" for utt in utts]
        return np.unique(values, return_inverse=True)[1]

    return Utterances(
        list(utts),
        np.asarray(labels),
        list(classes),
        np.searchsorted(all_speakers, speakers),
        all_speakers,
        numbers("text", normalise_text),
        numbers("utt2dialogue", str),
    )
