"""The folders of a finished run of system A that a detector is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser.detect.detector_dir import SPEECH, SPEECH_TEXT
from ser.errors import SerError
from ser.plan.encoders import Encoder, by_column
from ser.plan.layout import Layout
from ser.plan.roles import in_order
from ser.results.cell import read_cell
from ser.training import model_dir


@dataclass(frozen=True)
class RunFolders:
    """The folders of a finished run that a detector needs, for one condition (``none`` or a fold) and one layer.

    `encoder` is the audio encoder of the layer, and the encoder's own name for the layer; None for the run's own net.
    """

    data: Path
    exp: Path
    condition: str
    layer: str
    encoder: tuple[Encoder, str] | None = None

    @classmethod
    def find(
        cls,
        data: Path,
        exp: Path,
        condition: str | None = None,
        layer: str | None = None,
        encoders: Iterable[Encoder] = (),
    ) -> RunFolders:
        """Fill in missing choices: the first condition (``none`` before the folds), the layer with the lowest EER.

        If the run has its own net, a layer of one of the `encoders` is only used if it is named.

        Raises
        ------
        SerError
            If the run does not have the condition or the layer.
        """
        at = Layout(data, exp)
        conditions = at.trained("finetune", model_dir.WEIGHTS)
        columns = by_column(encoders)
        if columns and (layer in columns or (layer is None and not conditions)):
            return cls._find_encoded(at, condition, layer, columns)
        missing = f"{at.model('finetune', condition or '<condition>')}: no finished model"
        condition = _choose_condition(condition, conditions, missing, "none finished")
        embedded = at.vectors("embeddings", condition)
        layers = sorted(path.stem for path in embedded.glob("*.scp") if "." not in path.stem)
        if layer is None and layers:
            layer = min(layers, key=lambda name: _eer(at.cell(SPEECH, name, condition)))
        if layer not in layers:
            raise SerError(f"{embedded}: no {layer or '<layer>'}.scp; layers there: {', '.join(layers) or 'none'}")
        return cls(data, exp, condition, layer)

    @classmethod
    def _find_encoded(
        cls, at: Layout, condition: str | None, layer: str | None, columns: Mapping[str, tuple[Encoder, str]]
    ) -> RunFolders:
        """Find the condition and the layer of a run's encoders, which are the same for all folds."""
        beginning = at.role("backend", "").name
        found = (path.name.removeprefix(beginning) for path in at.data.glob(f"{beginning}*") if path.is_dir())
        conditions = in_order(found)
        missing = f"{at.role('backend', condition or '<condition>')}: no such data dir"
        condition = _choose_condition(condition, conditions, missing, "none")
        chosen = layer or min(columns, key=lambda name: _eer(at.cell(SPEECH, name, condition)))
        return cls(at.data, at.exp, condition, chosen, columns[chosen])

    def folder(self, root: Path, kind: str) -> Path:
        """Return <root>/<kind>_<condition>, or <root>/<kind>_none if the folds share that folder."""
        return Layout(self.data, self.exp).shared(root, kind, self.condition)

    def has_text(self) -> bool:
        """Whether the run has a text encoder, and joined vectors of speech and text."""
        return self.vectors(SPEECH_TEXT).is_file() and self.text_encoder.is_dir()

    def vectors(self, modality: str) -> Path:
        """Return the table that holds the training vectors (and others)."""
        if modality == SPEECH and self.encoder is not None:
            encoder, layer = self.encoder
            return Layout(self.data, self.exp).encoded(encoder.name) / f"{layer}.scp"
        kind = {SPEECH: "embeddings", SPEECH_TEXT: "speech+text"}[modality]
        return self.folder(self.exp, kind) / f"{self.layer}.scp"

    @property
    def text_encoder(self) -> Path:
        """Folder of the text encoder."""
        return self.folder(self.exp, "text") / "encoder"


def _choose_condition(condition: str | None, conditions: Sequence[str], missing: str, empty: str) -> str:
    """Return the condition, or the first one if None; `missing` and, without any, `empty` are parts of the message."""
    if condition is None and conditions:
        return conditions[0]
    if condition is None or condition not in conditions:
        there = ", ".join(conditions) or empty
        raise SerError(f"{missing}; conditions there: {there}; run stages 0 to 5 first")
    return condition


def _eer(cell: Path) -> float:
    """Read the EER of a cell of the results; infinite if it has none."""
    eer = read_cell(cell).row.eer if (cell / "result.tsv").is_file() else None
    return float("inf") if eer is None else eer
