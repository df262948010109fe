"""Speech emotion recognition in the manner of a Kaldi recipe: the package behind run.sh."""

__version__ = "0.1.0"
