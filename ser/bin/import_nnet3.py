"""Import a net that Kaldi trained: nnet3's final.raw or final.mdl, binary or text (nnet3-copy --binary=false).

An x-vector net becomes a model folder for train_xvector --init-model and extract_embeddings; its classes are called by
the numbers of the outputs, since an nnet3 file has no names. An acoustic model, such as a chain TDNN-F, becomes a model
folder for compute_nnet_outputs; the transitions of a final.mdl are written to transitions.tsv. The features must be
those of the net's training.

  python3 -m ser.bin.import_nnet3 0007_voxceleb_v2_1a/exp/xvector_nnet_1a/final.raw exp/voxceleb_kaldi
  python3 -m ser.bin.import_nnet3 exp/chain_cleaned/tdnn1g_sp_bi/final.mdl exp/tedlium_kaldi
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ser import cli

if TYPE_CHECKING:
    from ser.kaldi.nnet3 import Nnet3

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("nnet3", metavar="<nnet3>", help="Kaldi's model, binary or text")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder to write")
    args = parser.parse_args()

    from ser.kaldi.nnet3 import read_nnet3
    from ser.models.nnet3 import is_xvector

    nnet = read_nnet3(args.nnet3)
    (_import_xvector if is_xvector(nnet) else _import_graph)(nnet, args.nnet3, args.model_dir)


def _import_xvector(nnet: "Nnet3", path: str, folder: str) -> None:
    from ser.models.nnet3 import from_nnet3
    from ser.models.xvector import XVector, XVectorConfig
    from ser.training import model_dir

    @dataclass(frozen=True)
    class ImportConfig:
        """The settings of an imported model: only the dimensions of its layers."""

        model: XVectorConfig

    config, weights = from_nnet3(nnet)
    model = XVector.from_weights(config, weights)
    if model_dir.begin(folder, ImportConfig(config), {"nnet3": path}):
        classes = [str(number) for number in range(len(weights["output.affine.bias"]))]
        model_dir.save_model(folder, model, classes)
    logger.info(
        "%s: %d features a frame, frame layers %s, segment layers %s, %d outputs",
        folder, model.feature_dim, config.frame_dims, config.segment_dims, len(weights["output.affine.bias"]),
    )  # fmt: skip


def _import_graph(nnet: "Nnet3", path: str, folder: str) -> None:
    from ser.files import tab_separated, write_text
    from ser.kaldi.nnet3 import Transition
    from ser.models.nnet3_graph import GraphConfig, Nnet3Graph, from_nnet3
    from ser.training import model_dir

    @dataclass(frozen=True)
    class ImportConfig:
        """The settings of an imported model: only its graph."""

        nnet3: GraphConfig

    config, weights = from_nnet3(nnet)
    model = Nnet3Graph(config, weights)
    outputs = model.dims.get("output", 0)
    if model_dir.begin(folder, ImportConfig(config), {"nnet3": path}):
        if nnet.transitions:
            write_text(Path(folder) / "transitions.tsv", tab_separated(Transition._fields, nnet.transitions))
        model_dir.save_model(folder, model, [str(number) for number in range(outputs)])
    left, right = model.context("output" if outputs else model.node_names[-1])
    logger.info(
        "%s: %d features a frame, i-vectors of dimension %d, context of %d and %d frames, %d components; nodes %s",
        folder, model.feature_dim, model.ivector_dim, left, right, len(config.components), ", ".join(model.node_names),
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
