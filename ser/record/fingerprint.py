"""Fingerprints of features, to check that they are the features that a model was trained on."""

import hashlib
from pathlib import Path

from ser.kaldi.ark import Reader


def fingerprint(data_dir: str | Path) -> str:
    """Digest the features of `data_dir`: utterance ids, lengths, originals of copies, and some of the numbers.

    Where the archives lie does not matter. One frame of each of up to 1,000 utterances is enough to notice that
    features were made with other settings.
    """
    data_dir = Path(data_dir)
    digest = _digest(Reader(data_dir / "feats.scp"))
    for name in ("utt2num_frames", "utt2uniq"):
        if (data_dir / name).exists():
            digest.update((data_dir / name).read_bytes())
    return digest.hexdigest()


def digest_table(reader: Reader) -> str:
    """Digest a table of matrices by its keys and the first rows of up to 1,000 of them."""
    return _digest(reader).hexdigest()


def _digest(reader: Reader) -> "hashlib._Hash":
    keys = reader.keys()
    digest = hashlib.sha256("\n".join(keys).encode())
    for key in keys[:: max(1, len(keys) // 1000)]:
        digest.update(reader.rows(key, 0, 1).tobytes())
    return digest
