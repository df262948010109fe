"""Corpora whose recordings must not be redistributed, as a page with their clips would do."""

# Corpus, as its data dir is called -> who must be asked. The module of each has its paper and its licence.
NOT_TO_BE_SHARED = {
    "enterface": "free for research, not for redistribution",
    "esd": "by agreement with the National University of Singapore",
    "iemocap": "by agreement with USC's SAIL",
    "meld": "clips of a television series",
    "msp_improv": "by agreement with the University of Texas at Dallas",
    "msp_podcast": "by agreement with the University of Texas at Dallas",
    "savee": "by registration with the University of Surrey",
    "tess": "CC BY-NC-ND 4.0: no derived works",
    "voxceleb1": "clips of films of other people",
    "voxceleb2": "clips of films of other people",
}
