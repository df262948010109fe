"""Train the UBM of an i-vector extractor, and the feature transform before it.

Reads features without mean normalisation once per pass, so give an scp. Writes files of Kaldi's formats:
<dir>/global_cmvn.stats, final.mat (principal components of spliced frames), final.dubm, splice.conf, online_cmvn.conf.

  python3 -m ser.bin.train_ubm --config conf/asr_tdnn/ivector.yaml scp:data/tedlium_hires/feats.scp exp/extractor
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from ser import cli, ivector_options

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    ivector_options.add_training_arguments(parser)
    args = parser.parse_args()

    from ser.record.job_note import JobNote

    out = Path(args.dir)
    names = ("global_cmvn.stats", "final.mat", "final.dubm", "splice.conf", "online_cmvn.conf")
    note = JobNote(__spec__.name, args, [args.config], [args.feats_rspecifier], [out / name for name in names])
    if note.is_valid():
        return

    import numpy as np

    from ser.config import load_config
    from ser.files import write_text
    from ser.ivector import ubm_training
    from ser.ivector.config import IvectorConfig
    from ser.ivector.front_end import global_stats, normalised, principal_components
    from ser.ivector.online_cmvn import OnlineCmvnOptions
    from ser.ivector.splice import Splice
    from ser.kaldi import ark
    from ser.kaldi.ivector_files import write_ubm

    config = load_config(IvectorConfig, args.config, tuple(args.set))
    front, ubm, cmvn = config.front_end, config.ubm, OnlineCmvnOptions()

    def tables() -> Iterator[tuple[str, np.ndarray]]:
        return ark.read(args.feats_rspecifier)

    stats = global_stats(tables)
    frames = int(stats[0, -1])
    matrix = principal_components(
        normalised(tables, stats, cmvn, ubm.every_utterance), front.left_context, front.right_context, front.dim
    )
    splice = Splice(front.left_context, front.right_context, matrix)
    # Evenly spaced frames, as many as memory should hold.
    step = max(1, -(-frames // ubm.init_frames))
    held = np.concatenate([splice(features)[::step] for features in normalised(tables, stats, cmvn)])
    arrays = ubm_training.initialise(
        held, ubm.num_gaussians, ubm.num_initial, ubm.init_iterations, ubm.min_weight, config.seed
    )

    def thinned() -> Iterator[np.ndarray]:
        for features in normalised(tables, stats, cmvn, ubm.every_utterance):
            yield splice(features)[:: ubm.every_frame]

    arrays = ubm_training.train(arrays, thinned, ubm.iterations, ubm.num_gselect, ubm.min_weight)
    ark.write_matrix_file(out / "global_cmvn.stats", stats)
    ark.write_matrix_file(out / "final.mat", matrix.astype(np.float32))
    write_text(out / "splice.conf", f"--left-context={front.left_context}\n--right-context={front.right_context}\n")
    write_text(out / "online_cmvn.conf", "# Kaldi's defaults\n")
    write_ubm(out / "final.dubm", arrays)
    note.write()
    logger.info("%s: UBM of %d Gaussians, trained on %d frames", out, len(arrays.weights), frames)


if __name__ == "__main__":
    cli.run(main)
