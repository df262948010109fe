"""Train an i-vector extractor with the UBM that train_ubm wrote to the same folder.

Reads the same features once per pass, so give an scp. Writes <dir>/final.ie, and online.conf, which names the folder's
files for Kaldi's ivector-extract-online2 and for extract_online_ivectors.

  python3 -m ser.bin.train_ivector_extractor --config conf/asr_tdnn/ivector.yaml \\
    scp:data/tedlium_hires/feats.scp exp/extractor
"""

import logging
from pathlib import Path

from ser import cli, ivector_options

logger = logging.getLogger(__name__)

ONLINE_CONF = """\
--cmvn-config=online_cmvn.conf
--splice-config=splice.conf
--lda-matrix=final.mat
--global-cmvn-stats=global_cmvn.stats
--diag-ubm=final.dubm
--ivector-extractor=final.ie
--ivector-period={period}
--num-gselect={num_gselect}
--min-post={min_post:g}
--posterior-scale={posterior_scale:g}
--max-count={max_count:g}
--max-remembered-frames={max_remembered_frames:g}
"""


def main() -> None:
    parser = cli.make_parser(__doc__)
    ivector_options.add_training_arguments(parser)
    args = parser.parse_args()

    from ser.record.job_note import JobNote

    out = Path(args.dir)
    front_end = [out / name for name in ("global_cmvn.stats", "final.mat", "final.dubm", "splice.conf")]
    outputs = [out / "final.ie", out / "online.conf"]
    note = JobNote(__spec__.name, args, [args.config, *front_end], [args.feats_rspecifier], outputs)
    if note.is_valid():
        return

    import numpy as np

    from ser.config import load_config
    from ser.files import write_text
    from ser.ivector import extractor_training
    from ser.ivector.config import IvectorConfig
    from ser.ivector.extractor import Extractor
    from ser.ivector.front_end import checked
    from ser.ivector.online_cmvn import OnlineCmvnOptions, online_cmvn
    from ser.ivector.splice import Splice
    from ser.ivector.ubm import Ubm
    from ser.kaldi import ark
    from ser.kaldi.ivector_files import SpliceOptions, read_ubm, write_extractor
    from ser.kaldi.options import read_options

    config = load_config(IvectorConfig, args.config, tuple(args.set))
    settings = config.extractor
    context = read_options(SpliceOptions, out / "splice.conf")
    splice = Splice(context.left_context, context.right_context, ark.read_matrix_file(out / "final.mat"))
    stats = ark.read_matrix_file(out / "global_cmvn.stats").astype(np.float64)
    ubm = Ubm(read_ubm(out / "final.dubm"))
    arrays = extractor_training.initialise(ubm.arrays, settings.ivector_dim, config.seed)
    # The statistics are scaled up, as if no frames had been skipped.
    scale = np.float32(settings.posterior_scale * settings.every_frame)
    for iteration in range(settings.iterations):
        extractor = Extractor(arrays)
        sums = extractor_training.ExtractorStats.zeros(extractor)
        for _, features in checked(lambda: ark.read(args.feats_rspecifier)):
            normalised = splice(online_cmvn(features, stats, None, OnlineCmvnOptions()))[:: settings.every_frame]
            found = ubm.posteriors(normalised, settings.num_gselect, settings.min_post)
            heard = splice(features)[:: settings.every_frame]
            extractor_training.accumulate(
                sums,
                extractor,
                *extractor_training.utterance_stats(
                    heard, found.counts, found.gaussians, found.posts * scale, ubm.num_gaussians
                ),
            )
        arrays, gain = extractor_training.update(sums, extractor, settings.min_count)
        logger.info(
            "pass %d of %d: the objective improved by %.4f nats per frame", iteration + 1, settings.iterations, gain
        )
    write_extractor(out / "final.ie", arrays)
    values = vars(settings) | vars(config.extraction)
    write_text(out / "online.conf", ONLINE_CONF.format(**values))
    note.write()
    logger.info("%s: i-vectors of dimension %d, %d Gaussians", out, settings.ivector_dim, ubm.num_gaussians)


if __name__ == "__main__":
    cli.run(main)
