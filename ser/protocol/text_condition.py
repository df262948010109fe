"""Text conditions of scored utterances: shuffled texts, and transcripts of a speech recogniser."""

from collections.abc import Iterable, Mapping

import numpy as np

from ser.errors import SerError


def shuffle_texts(texts: Mapping[str, str], groups: Mapping[str, str], seed: int) -> dict[str, str]:
    """Give every utterance the words of another utterance of its group, by a random cycle: each text is used once.

    Parameters
    ----------
    texts : utterance -> its words. Utterances without words are left out and stay without words.
    groups : utterance -> group, such as its fold, so that no test utterance gets words of the training set. Utterances
        that are not listed form one group. The only utterance of a group gets no words.

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
    """Give every utterance its transcript, or '' if there is none.

    Raises
    ------
    SerError
        If no utterance has a transcript: the file belongs to another corpus, or uses other ids.
    """
    taken = {utt: transcripts.get(utt, "") for utt in utts}
    if not taken.keys() & transcripts.keys():
        raise SerError(
            f"{where}: none of its {len(transcripts)} utterances, such as '{next(iter(transcripts), '')}', is scored; "
            f"give lines '<utterance> <words>', with ids such as '{next(iter(taken), '')}'"
        )
    return taken
