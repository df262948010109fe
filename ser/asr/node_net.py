"""Computes the output of any node of an acoustic model, imported from Kaldi or trained here."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from ser.config import read_yaml
from ser.errors import SerError
from ser.kaldi.keyed_rows import KeyedRows
from ser.kaldi.left_out import LeftOut
from ser.models.asr_tdnn import AsrTdnn, AsrTdnnConfig
from ser.models.asr_tdnn_folded import FoldedTdnn
from ser.models.asr_tdnn_import import MappedGraph, faster
from ser.models.nnet3_graph import GraphConfig, Nnet3Graph
from ser.models.node_outputs import OutputOptions, compute_outputs
from ser.training import model_dir


def load_node_net(folder: str | Path) -> Nnet3Graph | MappedGraph | FoldedTdnn:
    """Load the acoustic model of `folder` onto the CPU, in eval mode and in the form that computes fastest.

    Raises
    ------
    SerError
        If the folder holds no acoustic model, or a broken one.
    """
    path = Path(folder) / "config.yaml"
    if not path.exists():
        raise SerError(f"{path}: no such file; import a model into this folder (ser.bin.import_nnet3), or train one")
    sections = read_yaml(path)
    if isinstance(sections, dict) and "nnet3" in sections:
        return faster(Nnet3Graph(model_dir.load_section(folder, "nnet3", GraphConfig), model_dir.load_weights(folder)))
    if isinstance(sections, dict) and "bottleneck_dim" in (sections.get("model") or {}):
        config = model_dir.load_section(folder, "model", AsrTdnnConfig)
        return FoldedTdnn(AsrTdnn.from_weights(config, model_dir.load_weights(folder)))
    raise SerError(f"{path}: not an acoustic model; for an x-vector net use extract_embeddings")


class NodeComputer:
    """An acoustic model together with its i-vectors.

    Parameters
    ----------
    folder, device : folder of the model, and device to compute on.
    ivectors : rspecifier of vectors, one per utterance.
    online_ivectors : rspecifier of matrices with one row every `period` frames.
    zero : use zeros in place of i-vectors.
    frames_per_chunk : frames that share one online i-vector.
    offset : index of the first frame for which outputs are computed.

    Raises
    ------
    SerError
        If the model takes i-vectors and none are given, or the other way round.
    """

    def __init__(
        self,
        folder: str | Path,
        device: torch.device,
        ivectors: str | None = None,
        online_ivectors: str | None = None,
        zero: bool = False,
        period: int = 10,
        frames_per_chunk: int = 150,
        offset: int = 0,
    ) -> None:
        self.net = load_node_net(folder).to(device)
        self._period, self._frames_per_chunk, self._zero, self._offset = period, frames_per_chunk, zero, offset
        if min(period, frames_per_chunk) < 1:
            raise SerError(f"--ivector-period={period}, --frames-per-chunk={frames_per_chunk}: expected at least 1")
        table = ivectors or online_ivectors
        if bool(table or self._zero) != bool(self.net.ivector_dim):
            wanted = f"i-vectors of dimension {self.net.ivector_dim}: give --ivectors or --online-ivectors"
            raise SerError(f"{folder}: the net takes {wanted if self.net.ivector_dim else 'no i-vectors'}")
        self._table, self._ndim = KeyedRows(table) if table else None, 1 if ivectors else 2

    def node_of(self, layer: str) -> str:
        """Map a layer's name to its node: layer<n> is the output of layer n, prefinal that of the last hidden layer."""
        names = {"prefinal": "prefinal-chain.batchnorm1"}
        if layer.startswith("layer") and layer[5:].isdigit():
            ends = ("noop", "dropout", "batchnorm", "renorm", "relu")
            tries = [f"{kind}{int(layer[5:])}.{end}" for end in ends for kind in ("tdnnf", "tdnn")]
            names[layer] = next((name for name in tries if name in self.net.node_names), layer)
        node = names.get(layer, layer)
        self.net.check_node(node)
        return node

    def ivectors(self, utt: str) -> np.ndarray | None:
        """Return the i-vectors of an utterance."""
        if self._zero:
            return np.zeros(self.net.ivector_dim, np.float32)
        return None if self._table is None else self._table.get(utt, self._ndim)

    def compute(self, features: np.ndarray, node: str, subsampling: int, ivectors: np.ndarray | None) -> np.ndarray:
        """Compute the output of a node for an utterance: see `ser.models.node_outputs.compute_outputs`."""
        options = OutputOptions(node, subsampling, self._period, self._frames_per_chunk, self._offset)
        return compute_outputs(self.net, features, options, ivectors)

    def compute_all(
        self,
        utterances: Iterable[tuple[str, np.ndarray]],
        nodes: Collection[str],
        subsampling: int,
        left_out: LeftOut,
    ) -> Iterator[tuple[str, list[np.ndarray]]]:
        """Yield each utterance and the outputs of all nodes; utterances that fail go to `left_out`."""
        for utt, features in utterances:
            try:
                ivectors = self.ivectors(utt)
                outputs = [self.compute(features, node, subsampling, ivectors) for node in nodes]
            except SerError as error:
                left_out.add(utt, str(error))
                continue
            yield utt, outputs
