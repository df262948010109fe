"""The frozen audio encoders of --encoders, each with the layers whose embeddings are scored."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ser.asr.recogniser_dir import has_recogniser
from ser.errors import SerError

# A name on the Hub, with or without its owner.
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class Encoder:
    """An audio encoder of --encoders.

    Attributes
    ----------
    name : name in the results, where its layers are ``<name>_<layer>``.
    source : folder, or name on the Hub.
    layers : the layers that are scored.
    """

    name: str
    source: str
    layers: tuple[str, ...]

    @property
    def fits_detector(self) -> bool:
        """Whether a detector can hold this encoder: not the recogniser of system B, which has a detector of its own."""
        return not has_recogniser(Path(self.source))

    @property
    def columns(self) -> dict[str, str]:
        """Value of the results' column `layer` -> the layer."""
        return {f"{self.name}_{layer}": layer for layer in self.layers}


def read_encoders(words: Iterable[str], option: str = "encoders") -> tuple[Encoder, ...]:
    """Read the words of --encoders: ``<name>=<folder or name on the Hub>:<layer>,<layer>...``.

    >>> read_encoders(["wavlm=microsoft/wavlm-base:6,final"])
    (Encoder(name='wavlm', source='microsoft/wavlm-base', layers=('6', 'final')),)

    Raises
    ------
    SerError
        If a word has another form, or a name or layer comes twice.
    """
    found: dict[str, Encoder] = {}
    for word in words:
        name, _, rest = word.partition("=")
        source, colon, layers = rest.rpartition(":")
        listed = tuple(filter(None, layers.split(",")))
        if not re.fullmatch(r"[A-Za-z0-9.+-]+", name) or not source or not colon or not listed:
            raise SerError(f"--{option}: expected <name>=<folder>:<layer>,<layer>..., found '{word}'")
        if name in found or len(set(listed)) < len(listed):
            raise SerError(f"--{option}: '{word}': a name or a layer comes twice")
        found[name] = Encoder(name, source, listed)
    return tuple(found.values())


def by_column(encoders: Iterable[Encoder]) -> dict[str, tuple[Encoder, str]]:
    """Return value of the results' column `layer` -> the encoder and its layer."""
    return {name: (encoder, layer) for encoder in encoders for name, layer in encoder.columns.items()}


def check_encoders(words: Iterable[str], option: str = "encoders") -> None:
    """Raise a `SerError` if an encoder is badly named, or is neither a folder nor like a name on the Hub."""
    for encoder in read_encoders(words, option):
        folder = Path(encoder.source)
        if not folder.is_dir() and (
            not _HUB.fullmatch(encoder.source) or (folder.parent.is_dir() and len(folder.parts) > 1)
        ):
            raise SerError(
                f"--{option}: {encoder.name}: no folder {encoder.source}; import one (ser.bin.import_audio_net), or"
                " give a name on the Hub"
            )
