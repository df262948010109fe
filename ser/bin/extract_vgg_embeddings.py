"""Write one vector for each utterance: the input of a VGG's output layer, computed from log-mel energies.

If an utterance is longer than the model's clip, its middle is taken.

  python3 -m ser.bin.extract_vgg_embeddings exp/vgg data/iemocap ark,scp:exp/vgg/iemocap.ark,exp/vgg/iemocap.scp
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)

# Changes nothing but the speed.
BATCH_SIZE = 64


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_done_option(parser)
    cli.add_device_options(parser)
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder that train_vgg wrote")
    parser.add_argument("data_dir", metavar="<data-dir>", help="its feats.scp is read")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="the vectors")
    args = parser.parse_args()

    from ser.kaldi import specifiers
    from ser.record.job_note import JobNote

    feats, target = Path(args.data_dir) / "feats.scp", specifiers.parse_wspecifier(args.wspecifier)
    model_files = sorted(Path(args.model_dir).glob("*"))
    note = JobNote(__spec__.name, args, model_files, [f"scp:{feats}"], [target.ark, target.scp])
    if note.is_valid():
        return

    import dataclasses

    import numpy as np
    import torch

    from ser.examples.clips import ClipConfig, ClipSource
    from ser.kaldi import ark
    from ser.models.vgg import Vgg, VggConfig
    from ser.training import model_dir, parallel

    cli.set_num_threads(args)
    config = model_dir.load_section(args.model_dir, "model", VggConfig)
    clip = model_dir.load_section(args.model_dir, "data", ClipConfig)
    device = parallel.pick_device(args.device)
    model = Vgg.from_weights(config, model_dir.load_weights(args.model_dir)).to(device)
    reader = ark.Reader(feats)
    utts = reader.keys()
    source = ClipSource(
        reader, utts, np.zeros(len(utts), np.int64), dataclasses.replace(clip, batch_size=BATCH_SIZE), seed=None
    )
    left = iter(utts)
    with ark.Writer(args.wspecifier) as writer, torch.inference_mode():
        for clips, _ in cli.progress(source.batches(0), source.num_batches(0), "batches"):
            for vector in model.embed(clips.to(device)).cpu().numpy():
                writer.write(next(left), vector)
    note.write()
    logger.info(
        "%s: vectors of %d utterances; %d are longer than a clip, and their middle counts",
        args.wspecifier, len(utts), source.num_cut,
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
