"""Estimate the signal-to-noise ratio of each clip of a data dir; report the median and the 5th and 95th percentiles.

The method is WADA-SNR, which needs the samples only (ser/features/signal_to_noise.py). Its error is some decibels below
20 dB and larger above. Writes a TSV with the ratio of each clip in dB. Clips that cannot be read are left out.

  python3 -m ser.bin.measure_snr data/toy/iemocap exp/toy/snr.tsv
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

RATE = 16000


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir with wav.scp, and segments where it has them")
    parser.add_argument("table", metavar="<table>", help="TSV to write")
    args = parser.parse_args()

    import numpy as np

    from ser.features.signal_to_noise import wada_snr
    from ser.files import tab_separated, write_text
    from ser.kaldi import audio

    data_dir = Path(args.data_dir)
    segments = data_dir / "segments"
    ratios = {}
    for utt, samples in audio.read_waves(f"scp:{data_dir}/wav.scp", RATE, segments if segments.is_file() else None):
        if isinstance(samples, audio.Unreadable):
            logger.warning("%s: left out: %s", utt, samples.reason)
        elif np.isfinite(ratio := wada_snr(samples)):
            ratios[utt] = ratio
    if not ratios:
        raise SerError(f"{args.data_dir}: no clip that can be read and has sound; check its wav.scp")
    write_text(args.table, tab_separated(("utt", "snr_db"), ((utt, f"{ratio:.1f}") for utt, ratio in ratios.items())))
    low, middle, high = np.quantile(list(ratios.values()), (0.05, 0.5, 0.95))
    logger.info(
        "%s: signal-to-noise ratio of %d clips: median %.1f dB, 5 to 95 %% of the clips %.1f to %.1f dB",
        args.data_dir, len(ratios), middle, low, high,
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
