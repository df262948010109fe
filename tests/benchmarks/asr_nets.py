"""Online i-vectors, or layer 12 of the full TDNN-F, on 109 s of speech: prints CPU seconds of work and loading as JSON.

python3 tests/benchmarks/asr_nets.py ivectors|bottleneck <folder for models> [<frames a chunk>]

The speech is ../shared/kaldi_reference/ivector_large/feats.ark where it is there, else noise of as many frames. Models
have the sizes of the TED-LIUM recipe and random parameters, but the UBM, which is trained on the speech.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ser.asr.node_net import load_node_net
from ser.config import from_mapping, read_yaml, to_yaml
from ser.files import write_text
from ser.ivector import extractor_training, front_end, ubm_training
from ser.ivector.online import OnlineExtractor
from ser.ivector.online_cmvn import OnlineCmvnOptions
from ser.ivector.splice import Splice
from ser.kaldi import ark
from ser.kaldi.ivector_files import write_extractor, write_ubm
from ser.models.asr_tdnn import AsrTdnn, AsrTdnnConfig
from ser.models.node_outputs import OutputOptions, compute_outputs
from ser.training import model_dir

SPEECH = Path("../shared/kaldi_reference/ivector_large/feats.ark")
CONFIG = "conf/asr_tdnn/tdnnf.yaml"


@dataclass(frozen=True)
class NetConfig:
    model: AsrTdnnConfig


def load_speech() -> dict[str, np.ndarray]:
    if SPEECH.exists():
        return ark.load(f"ark:{SPEECH}")
    rng = np.random.default_rng(0)
    return {f"u{number:02}": rng.normal(0, 10, (340, 40)).astype(np.float32) for number in range(32)}


def make_extractor(folder: Path, speech: dict[str, np.ndarray]) -> None:
    stats = front_end.global_stats(speech.items)
    matrix = front_end.principal_components(front_end.normalised(speech.items, stats, OnlineCmvnOptions()), 3, 3, 40)
    splice = Splice(3, 3, matrix)
    frames = [splice(features) for features in front_end.normalised(speech.items, stats, OnlineCmvnOptions())]
    ubm = ubm_training.initialise(np.concatenate(frames), 512, 256, 6, 1e-4, seed=0)
    write_ubm(folder / "final.dubm", ubm)
    write_extractor(folder / "final.ie", extractor_training.initialise(ubm, 100, seed=0))
    ark.write_matrix_file(folder / "final.mat", matrix.astype(np.float32))
    ark.write_matrix_file(folder / "global_cmvn.stats", stats)
    write_text(folder / "splice.conf", "--left-context=3\n--right-context=3\n")
    write_text(folder / "online_cmvn.conf", "")
    names = {
        "cmvn-config": "online_cmvn.conf", "splice-config": "splice.conf", "lda-matrix": "final.mat",
        "global-cmvn-stats": "global_cmvn.stats", "diag-ubm": "final.dubm", "ivector-extractor": "final.ie",
    }  # fmt: skip
    write_text(folder / "online.conf", "".join(f"--{option}={name}\n" for option, name in names.items()))


def make_net(folder: Path) -> None:
    torch.manual_seed(0)
    config = from_mapping(AsrTdnnConfig, read_yaml(CONFIG)["model"], CONFIG)
    model_dir.save_weights(folder / model_dir.WEIGHTS, AsrTdnn(config, 40, 100, 3600))
    write_text(folder / "config.yaml", to_yaml(NetConfig(config)))


def main() -> None:
    what, folder, chunk = sys.argv[1], Path(sys.argv[2]), int((sys.argv[3:] or ["150"])[0])
    torch.set_num_threads(1)
    speech, rng = load_speech(), np.random.default_rng(0)
    make_extractor(folder, speech) if what == "ivectors" else make_net(folder)
    begun = time.process_time()
    if what == "ivectors":
        extractor = OnlineExtractor.load(folder / "online.conf")

        def work(features: np.ndarray) -> None:
            extractor.extract(features, extractor.new_speaker())
    else:
        net, options = load_node_net(folder), OutputOptions("tdnnf12.noop", 3, 10, chunk)
        ivectors = rng.normal(size=(200, 100)).astype(np.float32)

        def work(features: np.ndarray) -> None:
            compute_outputs(net, features, options, ivectors[: -(-len(features) // 10)])

    loading = time.process_time() - begun
    seconds = []
    for _ in range(4):  # the first one warms up
        begun = time.process_time()
        for features in speech.values():
            work(features)
        seconds.append(time.process_time() - begun)
    print(json.dumps({"cpu": min(seconds[1:]), "loading": loading}))


if __name__ == "__main__":
    main()
