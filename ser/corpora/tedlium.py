"""TED-LIUM 2: talks of TED, 207 hours of transcribed English.

Paper: A. Rousseau, P. Deleglise, Y. Esteve, "Enhancing the TED-LIUM corpus with selected data for language modeling and
more TED talks", LREC 2014. Licence: CC BY-NC-ND 3.0.
Expected segments, as Kaldi's egs/tedlium/s5_r2 has them: train 92,973, dev 507, test 1,155.

Layout: ``{train,dev,test}/{stm/*.stm,sph/*.sph}``, ``TEDLIUM.152k.dic``, ``LM/*.en.gz``. A speaker is a talk. Segments
of training are widened by 0.15 s before and 0.1 s after, as Kaldi does.
"""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ser.corpora.records import LeftOut, Utterance
from ser.corpora.stm import StmSegment, read_stm
from ser.corpora.tree import files_below
from ser.errors import SerError

logger = logging.getLogger(__name__)

PUBLISHED = {"train": 92973, "dev": 507, "test": 1155}
LEXICON = "TEDLIUM.152k.dic"

WIDEN = {"train": (0.15, 0.1)}  # seconds before and after
# Times are rounded, so the last segment may end a little after the samples.
MAX_OVERSHOOT = 0.5
_HEADER = 1024


@dataclass(frozen=True)
class Sphere:
    """The fields of a SPHERE file's header."""

    seconds: float
    rate: int
    shortened: bool
    truncated: bool


def read_sphere_header(path: Path) -> Sphere:
    """Read the header of a NIST SPHERE file; raise a `SerError` if the file is not one."""
    with open(path, "rb") as stream:
        head = stream.read(_HEADER)
    if not head.startswith(b"NIST_1A"):
        raise SerError(f"{path}: not a SPHERE file: it begins with {head[:12]!r}; copy the corpus anew")
    fields = {}
    for line in head.decode("latin-1").splitlines():
        words = line.split(None, 2)
        if len(words) == 3:
            fields[words[0]] = words[2]
    try:
        count, rate = int(fields["sample_count"]), int(fields["sample_rate"])
        width = int(fields.get("sample_n_bytes", "2")) * int(fields.get("channel_count", "1"))
    except (KeyError, ValueError) as error:
        raise SerError(f"{path}: a SPHERE file whose header has no sample_count or sample_rate") from error
    if rate <= 0 or width <= 0:
        raise SerError(f"{path}: a SPHERE file of {rate} Hz and {width} bytes per sample")
    shortened = "shorten" in fields.get("sample_coding", "pcm")
    truncated = not shortened and path.stat().st_size < _HEADER + count * width
    return Sphere(count / rate, rate, shortened, truncated)


def read(corpus: Path, part: str) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the segments of a part, ``train``, ``dev`` or ``test``."""
    folder = corpus / part
    stms, sphs = ({path.stem: path for path in files_below(folder / kind, (f".{kind}",))} for kind in ("stm", "sph"))
    if not stms:
        raise SerError(f"{folder}/stm: no stm file; give the folder TEDLIUM_release2 that holds train, dev and test")
    utterances: list[Utterance] = []
    left_out = [LeftOut(f"{name}.sph", "recording without an stm file") for name in sorted(sphs.keys() - stms.keys())]
    overlapping: list[StmSegment] = []
    for name, stm in stms.items():
        segments = read_stm(stm)
        overlapping += _overlapping(segments)
        if name not in sphs:
            left_out += [_left_out(segment, "missing audio file") for segment in segments if not segment.ignored]
            continue
        wav, seconds, fault = _recording(sphs[name])
        for segment in segments:
            if segment.ignored:
                left_out.append(_left_out(segment, "not to be scored, as its stm file says", chosen=True))
            elif fault:
                left_out.append(_left_out(segment, fault))
            elif segment.end <= segment.begin:
                left_out.append(
                    _left_out(segment, f"segment that ends before it begins: {segment.begin:g} to {segment.end:g} s")
                )
            elif segment.end > seconds + MAX_OVERSHOOT or segment.begin >= seconds:
                left_out.append(
                    _left_out(segment, f"segment past the end of its recording: {segment.end:g} of {seconds:.2f} s")
                )
            else:
                utterances.append(_utterance(segment, part, wav, seconds))
    if overlapping:
        logger.warning(
            "%s: %d segments begin before the one before them ends, e.g. %s; they are kept, though each then has words "
            "of the other", folder, len(overlapping), _name(overlapping[0]),
        )  # fmt: skip
    return utterances, left_out


def _overlapping(segments: Sequence[StmSegment]) -> list[StmSegment]:
    """Return the segments of one recording that begin before an earlier one ends."""
    spoken = sorted((segment for segment in segments if not segment.ignored), key=lambda segment: segment.begin)
    return [later for earlier, later in pairwise(spoken) if later.begin < earlier.end]


def _recording(path: Path) -> tuple[str, float, str | None]:
    """Return the entry in wav.scp, the duration in seconds, and the fault of the file, if any."""
    try:
        header = read_sphere_header(path)
    except SerError as error:
        return "", 0.0, str(error).removeprefix(f"{path}: ").replace(":", ",")
    if header.truncated:
        return "", header.seconds, "truncated SPHERE file"
    if not header.shortened:
        return str(path.absolute()), header.seconds, None
    if shutil.which("sph2pipe") is None:
        return "", header.seconds, "SPHERE file compressed by shorten (install sph2pipe, which decodes it)"
    return f"sph2pipe -f wav -p '{path.absolute()}' |", header.seconds, None


def _utterance(segment: StmSegment, part: str, wav: str, seconds: float) -> Utterance:
    before, after = WIDEN.get(part, (0.0, 0.0))
    begin, end = max(0.0, segment.begin - before), min(seconds, segment.end + after)
    return Utterance(
        utt=_name(segment),
        spk=segment.recording,
        wav=wav,
        text=segment.text,
        part=part,
        segment=(segment.recording, round(begin, 4), round(end, 4)),
    )


def _name(segment: StmSegment) -> str:
    return f"{segment.recording}-{round(100 * segment.begin):07d}-{round(100 * segment.end):07d}"


def _left_out(segment: StmSegment, reason: str, chosen: bool = False) -> LeftOut:
    return LeftOut(_name(segment), reason, chosen)
