"""Remarks on all detections of a call: posteriors are not calibrated, recordings are unlike the training speech."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ser.detect.detection import Detection

if TYPE_CHECKING:
    from ser.detect.detector import Detector

# The remark on the domain is made if so many detections beyond a threshold would come by chance in fewer calls. It is
# strict, since recordings of one speaker are alike: of some speakers of the same corpus, 10 % are beyond and not 2.5 %.
SIGNIFICANCE = 0.001


@dataclass
class Remarks:
    """Collects the detections of one call to a detector; `lines` are the remarks on them."""

    detector: Detector
    used: set[tuple[str, bool]] = field(default_factory=set)
    counted: int = 0
    beyond: int = 0
    _ends: dict[tuple[str, int | None], float] = field(default_factory=dict)

    def add(self, detection: Detection) -> None:
        """Take note of a detection; the windows of a recording come in the order of time."""
        if detection.distance is None:
            return
        self.used.add((detection.modality, detection.speaker is not None))
        # Windows that overlap are no independent draws: the next one counts that begins where the last one ended.
        place = detection.file, detection.channel
        if detection.start >= self._ends.get(place, 0.0):
            self._ends[place] = detection.end
            self.counted += 1
            self.beyond += detection.distance > 1

    def lines(self) -> list[str]:
        """Return the remarks, each one line; none if all is as with held-out speech."""
        found = []
        for modality, of_speaker in sorted(self.used):
            if problem := self.detector.decider(modality, of_speaker).calibration.problem():
                what = f"{modality}, minus the mean of the speaker" if of_speaker else modality
                found.append(f"the posteriors ({what}) are not calibrated for new speakers: {problem}")
        share = self.detector.description.settings.outlier_share
        if share and chance(self.beyond, self.counted, share) < SIGNIFICANCE:
            found.append(
                f"out of domain: {self.beyond} of {self.counted} recordings or windows are unlike the training speech,"
                f" of held-out speakers' about {100 * share:g} %; an emotion may be wrong also where one is named"
            )
        return found


def chance(beyond: int, counted: int, share: float) -> float:
    """Return the probability of at least `beyond` of `counted` draws, each with probability `share` (binomial test).

    >>> round(chance(2, 2, 0.05), 6), chance(0, 7, 0.05)
    (0.0025, 1.0)
    """
    from scipy.special import betainc

    return float(betainc(beyond, counted - beyond + 1, share)) if beyond else 1.0
