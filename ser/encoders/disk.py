"""Checks that the disk has room for an encoder's states, which can be thousands of times as large as the speech."""

import shutil
from pathlib import Path

from ser.encoders.audio_encoder import AudioEncoder
from ser.errors import SerError
from ser.kaldi import audio, specifiers, tables


def check_room(
    folder: Path, wav_rspecifier: str, segments: str | None, encoder: AudioEncoder, bytes_a_number: float
) -> None:
    """Raise a `SerError` if the states will need more room than the disk of `folder` has.

    Parameters
    ----------
    folder : the output folder; it need not exist yet.
    wav_rspecifier, segments : see `ser.kaldi.audio.read_waves`. Lengths come from the headers of the files. If there
        are only archives or pipes, no length is known and nothing is checked.
    bytes_a_number : bytes per component of a state, summed over all layers.
    """
    seconds = total_seconds(wav_rspecifier, segments)
    if seconds is None:
        return
    needed = seconds * encoder.sample_rate / encoder.samples_a_row * encoder.dim * bytes_a_number
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise SerError(
            f"{folder}: the states of {seconds / 3600:,.1f} h of speech need about {needed / 1e9:,.3f} GB and "
            f"{free / 1e9:,.3f} GB are free; take --level utterance, fewer --layers, --every 4 or --compress true, or "
            "go on all the same by --check-disk false"
        )


def total_seconds(wav_rspecifier: str, segments: str | None) -> float | None:
    """Sum the lengths of the utterances; one whose length is unknown counts as the mean of the others.

    Returns None if no length is known without reading all samples.
    """
    if segments is not None:
        ends = [segment.end - segment.start for segment in audio.read_segments(segments) if segment.end >= 0]
        return sum(ends) if ends else None
    kind, name = specifiers.parse_rspecifier(wav_rspecifier)
    if kind != "scp" or not Path(name).is_file():
        return None
    import soundfile

    lengths, count = [], 0
    for _, _, rxfilename in tables.read_lines(name):
        count += 1
        try:
            lengths.append(soundfile.info(rxfilename).duration)
        except (soundfile.LibsndfileError, RuntimeError, OSError):
            continue  # a command, a part of an archive, or a broken file: its length is unknown
    return sum(lengths) / len(lengths) * count if lengths else None
