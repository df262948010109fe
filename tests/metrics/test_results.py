import dataclasses

import numpy as np
import pytest

from ser.errors import SerError
from ser.metrics import pictures, results

ROW = results.Result("xvector_bert", "cremad", "iemocap", "1", "tdnn6", "speech", 4, 90, 30.0, 50.0, 60.0, 40.0)


def test_folds_get_their_mean_and_the_sum_of_their_trials():
    other = dataclasses.replace(ROW, fold="2", trials=110, eer=40.0, uar=52.0)
    rows = results.with_means([other, ROW])
    assert [row.fold for row in rows] == ["1", "2", "all"]
    assert rows[2] == dataclasses.replace(ROW, fold="all", trials=200, eer=35.0, uar=51.0)


def test_a_row_without_folds_gets_no_mean():
    rows = [dataclasses.replace(ROW, fold="all")]
    assert results.with_means(rows) == rows


def test_table_has_the_agreed_header_and_is_read_back():
    text = results.to_tsv([ROW])
    assert text.splitlines()[0] == "system train test fold layer modality lda_dim trials eer uar wa f1".replace(
        " ", "\t"
    )
    assert text.splitlines()[1].split("\t")[8:] == ["30.000", "50.00", "60.00", "40.00"]
    assert results.from_tsv(text, "results.tsv") == [ROW]


def test_rows_are_sorted_by_modality_from_speech_to_both():
    rows = [dataclasses.replace(ROW, modality=name) for name in ("speech+text", "text", "speech")]
    assert [row.modality for row in results.with_means(rows) if row.fold == "1"] == ["speech", "text", "speech+text"]


def test_screen_table_is_aligned():
    lines = results.align([ROW, dataclasses.replace(ROW, layer="tdnn7_long")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].index("modality") == lines[2].index("speech")


def test_a_row_that_comes_twice_is_refused():
    with pytest.raises(SerError, match=r"two rows of xvector_bert .* fold 1"):
        results.with_means([ROW, ROW])


@pytest.mark.parametrize(("change", "message"), [(("eer", "eeer"), "r:1: expected the header"), (("90", "x"), "r:2: ")])
def test_broken_tables_are_named_by_file_and_line(change, message):
    with pytest.raises(SerError, match=message):
        results.from_tsv(results.to_tsv([ROW]).replace(*change), "r")


def test_pictures_name_their_axes_with_units():
    rows = [dataclasses.replace(ROW, modality=name) for name in (*results.MODALITIES, "video")]
    curve = np.array([0.0, 0.2, 1.0]), np.array([1.0, 0.3, 0.0])
    det = pictures.draw_det({"a": {row.modality: (row, curve) for row in rows}, "b": {"text": (ROW, curve)}})
    assert [axis.get_xlabel() for axis in det.axes] == ["false alarm rate (%)"] * 2
    eer = pictures.draw_eer({"a": rows})
    assert eer.axes[0].get_ylabel() == "equal error rate (%)"
    assert len(eer.axes[0].containers) == 4


def test_averaged_curve_of_equal_curves_is_that_curve():
    rates = np.linspace(0.01, 0.99, 50)
    miss, false_alarm = pictures.average_curves([(rates, 1 - rates)] * 2, 300)
    inside = (false_alarm > 0.01) & (false_alarm < 0.99)
    np.testing.assert_allclose(miss[inside], 1 - false_alarm[inside], atol=1e-3)
