"""eNTERFACE'05: people of 14 nations say five sentences of each of six emotions in English, filmed.

Paper: O. Martin, I. Kotsia, B. Macq, I. Pitas, "The eNTERFACE'05 audio-visual emotion database", ICDE Workshops 2006.
Licence: free for research.
Expected: the paper counts 1,166 sequences of 42 people; the archive in circulation has folders of 44 and nearly 1,290
clips. 48 kHz sound in ``.avi``, which ffmpeg decodes.

Layout: ``subject 19/anger/sentence 4/s19_an_4.avi``, or the same as ``.wav``. Known faults: the files of subject 11 are
called s12; ``s_3_...`` stands for s3; one is called ``s16_su_3avi``; subject 6 has no folders of sentences; subject 23
lacks clips. So speaker and emotion are read from the folders.
"""

import re
from pathlib import Path

from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance
from ser.corpora.tree import files_below

PUBLISHED = 1166

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")

NAMING = Naming(
    title="eNTERFACE'05",
    prefix="enterface",
    name=re.compile(
        rf"(?:^|/)subject[ _](?P<speaker>\d+)/(?P<emotion>{'|'.join(EMOTIONS)})/"
        r"(?:sentence[ _]\d/)?s_?\d+_[a-z]{2}_?(?P<take>\d?[^/]*)$"
    ),
    emotions={emotion: emotion for emotion in EMOTIONS},
    layout="give the folder that has 'subject 19/anger/sentence 4/s19_an_4.avi' and so on",
)


def read(corpus: Path, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips; folds are of speakers."""
    utterances, left_out = read_named(corpus, NAMING, num_folds)
    # Without its dot the name has no suffix, by which clips are found.
    dotless = [path.name for path in files_below(corpus, ("avi",)) if re.fullmatch(r"s.*_.*[^.]avi", path.name)]
    left_out += [LeftOut(name, "no suffix: rename it") for name in dotless]
    return utterances, left_out
