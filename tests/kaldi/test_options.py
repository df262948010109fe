from dataclasses import dataclass

import pytest

from ser.errors import SerError
from ser.kaldi.options import read_options


@dataclass(frozen=True)
class Options:
    sample_frequency: float = 16000.0
    num_ceps: int = 13
    snip_edges: bool = True
    window_type: str = "povey"


def read(tmp_path, content):
    (tmp_path / "x.conf").write_text(content)
    return read_options(Options, tmp_path / "x.conf")


def test_kaldis_own_file_is_read(reference):
    @dataclass(frozen=True)
    class MfccOptions(Options):
        frame_length: float = 0.0
        low_freq: float = 0.0
        high_freq: float = 0.0
        num_mel_bins: int = 0
        dither: float = 1.0
        use_energy: bool = True

    options = read_options(MfccOptions, reference / "conf/mfcc.conf")
    assert options == MfccOptions(16000.0, 30, False, "povey", 25.0, 20.0, 7600.0, 30, 0.0, True)


def test_values_comments_and_bare_booleans(tmp_path):
    options = read(
        tmp_path, "# a comment\n\n--num-ceps=5  # five\n--num-ceps = 7\n--snip_edges\n--window-type=hanning\n"
    )
    assert options == Options(num_ceps=7, window_type="hanning")
    assert read(tmp_path, "--snip-edges=false\n") == Options(snip_edges=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("--num-cep=5", r"x\.conf:1: unknown option --num-cep; valid options: --sample-frequency, --num-ceps, --snip"),
        ("\n--num-ceps=x", r"x\.conf:2: --num-ceps: expected int, found 'x'"),
        ("--snip-edges=maybe", r"x\.conf:1: --snip-edges: expected true or false, found 'maybe'"),
        ("--num-ceps", r"x\.conf:1: --num-ceps needs a value"),
        ("num-ceps=3", r"x\.conf:1: expected --name=value, found 'num-ceps=3'"),
    ],
)
def test_broken_line_is_named(tmp_path, content, message):
    with pytest.raises(SerError, match=message):
        read(tmp_path, content)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SerError, match=r"x\.conf: missing; give a file of Kaldi's options"):
        read_options(Options, tmp_path / "x.conf")
