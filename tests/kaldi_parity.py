"""Print how far the acoustic nets and i-vectors are from Kaldi's, as a Markdown table.

python3 tests/kaldi_parity.py ../shared/kaldi_reference"""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ser.ivector import extractor_training, ubm_training
from ser.ivector.extractor import Extractor
from ser.ivector.online import OnlineExtractor
from ser.ivector.online_cmvn import cmvn_stats, online_cmvn
from ser.ivector.ubm import Ubm
from ser.kaldi import ark, tables
from ser.kaldi.ivector_files import read_extractor, read_ubm
from ser.kaldi.nnet3 import read_nnet3
from ser.models.asr_tdnn_import import faster
from ser.models.nnet3_graph import Nnet3Graph, from_nnet3
from ser.models.node_outputs import NodeNet, OutputOptions, compute_outputs

NODES = ["tdnn1.dropout", "tdnnf5.noop", "tdnnf6.noop", "prefinal-l", "prefinal-chain.batchnorm1", "output.affine"]
GAINS = {
    "ivector": (100.0, [11.8545, 0.148168, 0.038372]),
    "ivector_large": (5.0, [48.7456, 0.759051, 0.171079, 0.049055, 0.0257349]),
}


def normalised(extractor: OnlineExtractor, folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Give online-normalised features, and the same joined and transformed."""
    features, found = ark.load(f"ark:{folder}/feats.ark"), {}
    for utts in tables.read_lists(folder / "spk2utt").values():
        history = None
        for utt in utts:
            found[utt] = online_cmvn(features[utt], extractor.global_stats, history, extractor.cmvn)
            history = cmvn_stats(features[utt]) + (0 if history is None else history)
    return found, {utt: extractor.splice(found[utt]) for utt in sorted(found)}


def largest(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(found[key] - matrix).max()) for key, matrix in expected.items())


def ivector_rows(root: Path) -> Iterator[tuple[str, str]]:
    for name, gselect in (("ivector", 8), ("ivector_large", 16)):
        folder = root / name
        extractor = OnlineExtractor.load(folder / "online.conf")
        cmvn, joined = normalised(extractor, folder)
        if (folder / "online_cmvn_feats.ark").exists():
            expected = ark.load(f"ark:{folder}/online_cmvn_feats.ark")
            yield f"{name}: online CMVN, largest difference", f"{largest(cmvn, expected):.1e}"
        arrays = read_ubm(folder / "0.dubm")
        for iteration in range(4):
            stats = ubm_training.UbmStats.zeros(ubm := Ubm(arrays))
            for matrix in joined.values():
                ubm_training.accumulate(stats, ubm, matrix, gselect)
            arrays = ubm_training.update(stats, arrays, 1e-5, iteration == 3)
        final = read_ubm(folder / "final.dubm")
        relative = max(float(np.abs(a / b - 1).max()) for a, b in ((arrays[0], final[0]), (arrays[2], final[2])))
        yield f"{name}: UBM after 4 passes, weights and variances, relative", f"{relative:.1e}"
        yield f"{name}: objective of the extractor's passes, relative", f"{gain_difference(folder, joined, name):.1e}"
        yield from online_rows(extractor, folder)


def gain_difference(folder: Path, joined: dict[str, np.ndarray], name: str) -> float:
    extractor, features = OnlineExtractor.load(folder / "online.conf"), ark.load(f"ark:{folder}/feats.ark")
    arrays, (min_count, gains), worst = read_extractor(folder / "0.ie"), GAINS[name], 0.0
    for expected in gains:
        sums = extractor_training.ExtractorStats.zeros(now := Extractor(arrays))
        for utt, matrix in joined.items():
            counts, gaussians, posts, _ = extractor.ubm.posteriors(matrix, 5, 0.025)
            stats = extractor_training.utterance_stats(
                extractor.splice(features[utt]), counts, gaussians, posts * np.float32(0.1), now.num_gaussians
            )
            extractor_training.accumulate(sums, now, *stats)
        arrays, gain = extractor_training.update(sums, now, min_count)
        worst = max(worst, abs(gain / expected - 1))
    return worst


def online_rows(extractor: OnlineExtractor, folder: Path) -> Iterator[tuple[str, str]]:
    features = ark.load(f"ark:{folder}/feats.ark")
    for path in sorted(folder.glob("online_ivectors*.ark")):
        alone = "per_utt" in path.name
        speakers = {utt: [utt] for utt in features} if alone else tables.read_lists(folder / "spk2utt")
        if "max_count_0" in path.name:
            extractor.options = dataclasses.replace(extractor.options, max_count=0.0)
        expected, rows = ark.load(f"ark:{path}"), []
        for utts in speakers.values():
            state = extractor.new_speaker()
            rows += [np.abs(extractor.extract(features[utt], state) - expected[utt]).max(axis=1) for utt in utts]
        differences = np.concatenate(rows)
        yield (
            f"{folder.name}: {path.stem}, 99 % of {len(differences)} rows, all",
            f"{np.quantile(differences, 0.99):.1e}, {differences.max():.1e}",
        )


def net_rows(root: Path) -> Iterator[tuple[str, str]]:
    features, folder = ark.load(f"ark:{root}/feats/mfcc_hires.ark"), root / "chain_nnet3"
    utterance, online = (ark.load(f"ark:{folder}/{name}") for name in ("utt_ivectors.txt", "online_ivectors.ark"))

    def difference(net: NodeNet, expected: str, options: OutputOptions, vectors: dict[str, np.ndarray]) -> float:
        found = {key: compute_outputs(net, matrix, options, vectors[key]) for key, matrix in features.items()}
        return largest(found, ark.load(f"ark:{folder}/{expected}.ark"))

    for form in ("final.mdl", "final.raw", "final.txt"):
        graph = Nnet3Graph(*from_nnet3(read_nnet3(folder / form)))
        for name, net in (("node by node", graph), ("as TDNN-F, folded", faster(graph))):
            by_utt = max(difference(net, f"utt_{node}", OutputOptions(node, 3), utterance) for node in NODES)
            by_row = max(difference(net, f"online_{node}", OutputOptions(node, 3, 10, 150), online) for node in NODES)
            dense = difference(net, "dense_output", OutputOptions("output"), utterance)
            shown = f"{by_utt:.1e}, {by_row:.1e}, {dense:.1e}"
            yield f"chain_nnet3: {form}, {name}: six nodes by utterance, online; dense output", shown
    collapsed = Nnet3Graph(*from_nnet3(read_nnet3(folder / "collapsed.raw")))
    found = difference(collapsed, "collapsed_output", OutputOptions("output", 3), utterance)
    yield "chain_nnet3: collapsed.raw, output", f"{found:.1e}"


def main() -> None:
    root = Path(sys.argv[1])
    print("| what | differs by |\n| --- | ---: |")
    for rows in (ivector_rows(root), net_rows(root)):
        for what, shown in rows:
            print(f"| {what} | {shown} |")


if __name__ == "__main__":
    main()
