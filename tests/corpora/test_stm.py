from pathlib import Path

import pytest

from ser.corpora.stm import StmSegment, read_stm
from ser.errors import SerError


def test_segments_are_read_as_tedlium_writes_them(tmp_path: Path):
    (tmp_path / "talk.stm").write_text(
        ";; a comment\n"
        "AlGore 1 AlGore_2009 12.50 17.25 <o,f0,male> {NOISE} it 's a climate(2) crisis\n"
        "AlGore 1 inter_segment_gap 17.25 20 <o,,unknown> ignore_time_segment_in_scoring\n"
        "AlGore 1 AlGore_2009 20 21 <o,f0,male>\n"
        "AlGore 1 AlGore_2009 21 22 <unk> a\n"
    )
    assert read_stm(tmp_path / "talk.stm") == [
        StmSegment("AlGore", "1", "AlGore_2009", 12.5, 17.25, "[NOISE] it's a climate crisis", False),
        StmSegment("AlGore", "1", "inter_segment_gap", 17.25, 20.0, "ignore_time_segment_in_scoring", True),
        StmSegment("AlGore", "1", "AlGore_2009", 20.0, 21.0, "", False),
        StmSegment("AlGore", "1", "AlGore_2009", 21.0, 22.0, "<unk> a", False),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("talk 1 spk 3 inf <o,f0,male> a", "expected times of 0 s or more; found '3 inf'"),
        ("talk 1 spk -1 2 <o,f0,male> a", "expected times of 0 s or more; found '-1 2'"),
        ("talk 1 spk a 2 <o,f0,male> a", "expected file, channel, speaker, begin, end and words; found 'talk 1 spk a"),
        ("talk 1 spk 2", "expected file, channel, speaker, begin, end and words; found 'talk 1 spk 2'"),
    ],
)
def test_a_line_that_is_no_segment_is_named(tmp_path: Path, line: str, message: str):
    (tmp_path / "talk.stm").write_text(f"talk 1 spk 0 1 <o,f0,male> a\n{line}\n")
    with pytest.raises(SerError, match=rf"talk.stm:2: {message}"):
        read_stm(tmp_path / "talk.stm")
