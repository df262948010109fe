"""Take over an x-vector network that Kaldi trained: nnet3's final.raw, or its text (nnet3-copy --binary=false).

Writes a model folder that train_xvector --init-model and extract_embeddings take. Its classes are the numbers of the
outputs, for an nnet3 file does not name them. Features must be the ones it was trained on. Example:

    python3 -m ser.bin.import_nnet3 0007_voxceleb_v2_1a/exp/xvector_nnet_1a/final.raw exp/voxceleb_kaldi"""

import logging
from dataclasses import dataclass

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the command."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("nnet3", help="Kaldi's model, binary or text")
    parser.add_argument("model_dir", help="folder to write")
    args = parser.parse_args()

    from ser.kaldi.nnet3 import read_nnet3
    from ser.models.nnet3 import from_nnet3
    from ser.models.xvector import XVector, XVectorConfig
    from ser.training import model_dir

    @dataclass(frozen=True)
    class ImportConfig:
        """The settings of an imported model: its widths alone."""

        model: XVectorConfig

    config, weights = from_nnet3(read_nnet3(args.nnet3))
    model = XVector.from_weights(config, weights)
    if model_dir.begin(args.model_dir, ImportConfig(config), {"nnet3": args.nnet3}):
        classes = [str(number) for number in range(len(weights["output.affine.bias"]))]
        model_dir.save_model(args.model_dir, model, classes)
    logger.info(
        "%s: %d features a frame, frame layers %s, segment layers %s, %d outputs",
        args.model_dir, model.feature_dim, config.frame_dims, config.segment_dims, len(weights["output.affine.bias"]),
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
