"""The net of a model folder whose nodes can be asked for: one that was imported, or one of our own."""

from pathlib import Path

from ser.config import read_yaml
from ser.errors import SerError
from ser.models.asr_tdnn import AsrTdnn, AsrTdnnConfig
from ser.models.asr_tdnn_folded import FoldedTdnn
from ser.models.asr_tdnn_import import MappedGraph, faster
from ser.models.nnet3_graph import GraphConfig, Nnet3Graph
from ser.training import model_dir


def load_node_net(folder: str | Path) -> Nnet3Graph | MappedGraph | FoldedTdnn:
    """Load the net of `folder`, in eval mode on the CPU, in the form in which its nodes are computed fastest.

    Raises
    ------
    SerError
        Where the folder holds no model of such a kind, or is broken.
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
    raise SerError(f"{path}: not the model of an acoustic net; x-vector nets are of extract_embeddings")
