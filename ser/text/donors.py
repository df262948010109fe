"""Donors: utterances with uninformative words get the text vector of a random utterance of the same emotion."""

import hashlib
from collections.abc import Collection, Mapping

from ser.errors import SerError


def draw_donors(
    utt2class: Mapping[str, str], donor_utt2class: Mapping[str, str], donors: Collection[str], seed: int
) -> dict[str, str]:
    """Draw for every utterance a donor of the same class (docs/systems.md A.5).

    The draw depends only on the utterance's id, the seed and the set of donors, so it is the same for a subset of the
    utterances as for all. It uses the label, so apply it to training utterances only.

    Parameters
    ----------
    utt2class : classes of the utterances that need a vector.
    donor_utt2class : classes of the donors.
    donors : donors that have a vector.
    seed : seed of the draw.

    Returns
    -------
    dict
        Utterance -> donor, with replacement.

    Raises
    ------
    SerError
        If a class has no donor.
    """
    by_class: dict[str, list[str]] = {}
    for donor in sorted(donors):
        if donor in donor_utt2class:
            by_class.setdefault(donor_utt2class[donor], []).append(donor)
    missing = sorted(set(utt2class.values()) - set(by_class))
    if missing:
        raise SerError(
            f"no donor with a vector for the class {', '.join(missing)}; the donors' classes are "
            f"{', '.join(sorted(by_class)) or 'none'}: map both sets with one label map, or leave these utterances out"
        )
    drawn = {}
    for utt, label in utt2class.items():
        # Python's own hash() changes from run to run.
        number = int.from_bytes(hashlib.blake2b(f"{seed} {utt}".encode(), digest_size=8).digest(), "big")
        drawn[utt] = by_class[label][number % len(by_class[label])]
    return drawn
