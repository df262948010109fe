"""Remarks on a call: which deciders they judge, and when recordings are called out of domain."""

import dataclasses

import pytest
from scipy.stats import binom

from ser.detect import Detection, Detector
from ser.detect.remarks import Remarks, chance


@pytest.fixture(scope="module")
def detector(toy_run) -> Detector:
    """The toy detector, as if its calibration had been measured on four new speakers and were good."""
    found = Detector.load(toy_run.exp)
    good = dataclasses.replace(found.deciders["speech"].calibration, unseen_speakers=4, cllr=0.6, cost=0.4, error=0.1)
    decider = dataclasses.replace(found.deciders["speech"], calibration=good)
    return dataclasses.replace(found, deciders={"speech": decider}, by_speaker={"speech": decider})


def spoil(decider, **measured):
    return dataclasses.replace(decider, calibration=dataclasses.replace(decider.calibration, **measured))


def window(start: float, distance: float | None, file: str = "a.wav", **other) -> Detection:
    return Detection(file, start, start + 3, 3.0, "speech", "joy", {"joy": 1.0}, distance=distance, **other)


def remarks_on(detector: Detector, *found: Detection) -> list[str]:
    remarks = Remarks(detector)
    for one in found:
        remarks.add(one)
    return remarks.lines()


@pytest.mark.parametrize(("beyond", "counted"), [(0, 5), (1, 1), (3, 40), (40, 40), (100, 2000)])
def test_chance_is_that_of_the_binomial_distribution(beyond, counted):
    assert chance(beyond, counted, 0.05) == pytest.approx(binom.sf(beyond - 1, counted, 0.05), rel=1e-9)


def test_recordings_are_out_of_domain_if_too_many_are_far(detector):
    def call(far: int) -> list[str]:
        return remarks_on(detector, *(window(0, 2 if number < far else 0.5, f"{number}.wav") for number in range(40)))

    # At a share of 2.5 %, 5 or more of 40 recordings are beyond the threshold in 0.3 % of calls, 6 or more in 0.05 %.
    assert call(0) == call(5) == []
    (line,) = call(6)
    assert line.startswith("out of domain: 6 of 40 recordings or windows are unlike the training speech")


def test_windows_that_overlap_and_those_without_speech_do_not_count(detector):
    assert remarks_on(detector, *(window(start, 2) for start in (0, 1, 2))) == []
    assert remarks_on(detector, *(window(start, None) for start in (0, 3, 6))) == []
    (line,) = remarks_on(detector, *(window(start, 2) for start in range(7)))
    assert "3 of 3 recordings or windows" in line
    (line,) = remarks_on(detector, *(window(0, 2, channel=channel) for channel in (1, 2)))
    assert "2 of 2" in line


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        ({"unseen_speakers": 0}, "calibrated on speakers that the net was trained on"),
        ({"unseen_speakers": 1, "cllr": float("inf")}, "too few speakers are new to the net to measure it"),
        ({"cllr": 1.0}, "their Cllr was 1.000, their cost 0.400 and their calibration error 0.100"),
        ({"cost": 1.2}, "cost 1.200"),
        ({"error": 0.11}, "calibration error 0.11"),
        ({"error": float("nan")}, "calibration error nan"),
    ],
)
def test_posteriors_whose_calibration_failed_are_not_called_calibrated(detector, measured, reason):
    bad = spoil(detector.deciders["speech"], **measured)
    (line,) = remarks_on(dataclasses.replace(detector, deciders={"speech": bad}), window(0, 0.5))
    assert line.startswith("the posteriors (speech) are not calibrated for new speakers: ") and reason in line


def test_every_decider_that_a_call_uses_is_judged_and_no_other(detector):
    good, bad = detector.deciders["speech"], spoil(detector.deciders["speech"], unseen_speakers=0)
    both = dataclasses.replace(detector, deciders={"speech": good, "speech+text": bad}, by_speaker={"speech": bad})
    spoken = dataclasses.replace(window(0, 0.5), modality="speech+text")
    assert remarks_on(both, window(0, 0.5)) == []
    assert remarks_on(both, window(0, None), dataclasses.replace(spoken, distance=None)) == []
    (line,) = remarks_on(both, window(0, 0.5), spoken)
    assert line.startswith("the posteriors (speech+text) are not calibrated")
    (line,) = remarks_on(both, window(0, 0.5, speaker="ann"))
    assert line.startswith("the posteriors (speech, minus the mean of the speaker) are not calibrated")
