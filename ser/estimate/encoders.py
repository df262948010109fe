"""Estimate the cost of the embeddings of a published audio encoder, without loading it."""

import json
from pathlib import Path

from ser.asr.recogniser_dir import RECOGNISER, has_recogniser
from ser.config import read_yaml
from ser.encoders.folder import own_folder
from ser.estimate.asr_tdnn import FRAMES_A_SECOND, SUBSAMPLING
from ser.estimate.costs import Cost, vector_bytes
from ser.estimate.rates import Rates
from ser.plan.encoders import Encoder
from ser.training import model_dir

# Imported net -> multiplications for 0.48 s of speech, one patch; largest dimension of its states.
_PATCH_NETS = {"yamnet": (69.2e6, 1024), "vggish": (864e6 / 2, 12_288)}
_PATCH_SECONDS = 0.48
# Transformer encoders: states per second of speech; every weight is multiplied once for each state. The other values
# are the sizes of a base model, for an encoder whose folder does not exist yet.
_STATES, _BASE_WEIGHTS, _BASE_DIM = 50, 95e6, 768


def frozen_encoder(encoder: Encoder, utts: float, hours: float, rates: Rates) -> Cost:
    """Estimate stage 5's share of an encoder: vectors of `utts` utterances, of `hours` of speech."""
    folder = own_folder(Path(encoder.source))
    kind = read_yaml(folder / "config.yaml").get("kind") if (folder / "config.yaml").is_file() else None
    seconds = 3600 * hours
    if kind in _PATCH_NETS:
        multiplications, dim = _PATCH_NETS[kind]
        cpu = 2 * multiplications * seconds / _PATCH_SECONDS / (rates.picture_gflops * 1e9) + hours * rates.logmel
    elif has_recogniser(folder):
        net = folder / RECOGNISER / "net"
        dim = read_yaml(net / "config.yaml").get("model", {}).get("dim", _BASE_DIM)
        # Every weight is multiplied about once for each state.
        weights, states = (net / model_dir.WEIGHTS).stat().st_size / 4, FRAMES_A_SECOND / SUBSAMPLING * seconds
        cpu = 2 * weights * states / (rates.gflops * 1e9)
    else:
        size, config = folder / model_dir.WEIGHTS, folder / "config.json"
        weights = size.stat().st_size / 4 if size.is_file() else _BASE_WEIGHTS
        dim = _BASE_DIM
        if config.is_file():
            dim = json.loads(config.read_text(encoding="utf-8")).get("hidden_size") or _BASE_DIM
        cpu = 2 * weights * _STATES * seconds / (rates.gflops * 1e9)
    disk = len(encoder.layers) * utts * vector_bytes(dim)
    return Cost(5, f"embeddings of {encoder.name}", disk, rates.start + cpu)
