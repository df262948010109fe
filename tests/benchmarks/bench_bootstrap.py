"""1,000 resamples of speakers of the exact EER of the 49 million pairs of 7,000 utterances: IEMOCAP's and CREMA-D's."""

import pytest

NUM_UTTS, RESAMPLES = 7000, 1000


@pytest.mark.parametrize("num_speakers", [10, 91])
def test_intervals(command, table, num_speakers):
    used = command("resample.py", NUM_UTTS, num_speakers, RESAMPLES, threads=2)
    what = f"interval of the EER of 49 million pairs, {RESAMPLES:,} resamples of {num_speakers} speakers"
    table(f"{what}, wall", used.printed["wall"], "s", 60, other="limit")
    table("its peak memory", used.mb, "MB", 2000, other="limit")
