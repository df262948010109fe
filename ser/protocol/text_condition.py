"""Which words the scored utterances get: their own, none, those of others, or those that a recogniser heard."""

from collections.abc import Iterable, Mapping

import numpy as np

from ser.errors import SerError


def shuffle_texts(texts: Mapping[str, str], groups: Mapping[str, str], seed: int) -> dict[str, str]:
    """Give every utterance the words of another one of its group, each used once: a random cycle through the group.

    Parameters
    ----------
    texts : utterance -> its words. Utterances without words take no part and stay without.
    groups : utterance -> group, such as its fold, so that no fold's test set speaks the words of its training set;
        utterances that are not listed are one group. An only child gets no words.

    >>> shuffle_texts({"a": "yes", "b": "no"}, {}, seed=0)
    {'a': 'no', 'b': 'yes'}
    """
    members: dict[str, list[str]] = {}
    for utt in sorted(texts):
        if texts[utt]:
            members.setdefault(groups.get(utt, ""), []).append(utt)
    rng = np.random.default_rng(seed)
    shuffled = dict.fromkeys(texts, "")
    for group in sorted(members):
        order = [members[group][index] for index in rng.permutation(len(members[group]))]
        if len(order) > 1:
            for utt, donor in zip(order, [*order[1:], order[0]], strict=True):
                shuffled[utt] = texts[donor]
    return shuffled


def take_transcripts(utts: Iterable[str], transcripts: Mapping[str, str], where: str) -> dict[str, str]:
    """Give every utterance its transcript, '' where there is none.

    Raises
    ------
    SerError
        If no utterance is among the transcripts: they are another corpus's, or under other ids.
    """
    taken = {utt: transcripts.get(utt, "") for utt in utts}
    if not taken.keys() & transcripts.keys():
        raise SerError(
            f"{where}: none of its {len(transcripts)} utterances, such as '{next(iter(transcripts), '')}', is scored; "
            f"give '<utterance> <words>' a line, with ids such as '{next(iter(taken), '')}'"
        )
    return taken
