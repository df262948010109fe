"""Recognises the emotion of your own recordings with the models of a finished run.

from ser.detect import Detector
detector = Detector.load("exp/toy")
print(detector("clip.wav"))
"""

from ser.detect.detection import Detection
from ser.detect.detector import Detector

__all__ = ["Detection", "Detector"]
