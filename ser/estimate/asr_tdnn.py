"""Estimate the cost of each stage of system B. Training the TDNN-F costs most; its denominator costs little."""

from pathlib import Path

from ser.estimate.costs import Cost, audits, compressed, data_dirs, forward, training
from ser.estimate.nets import Net, setting
from ser.estimate.rates import Rates
from ser.plan.asr_tdnn_options import Options, speech_size
from ser.plan.facts import Facts
from ser.plan.job import Plan
from ser.plan.sizes import Size

# The number of the last stage that writes features.
LAST_OF_DATA = 1
FRAMES_A_SECOND, SUBSAMPLING = 100, 3
FEATURES = 40
# CPU seconds of the denominator's forward-backward per output frame, with a full English phone language model.
DENOMINATOR_SECONDS = 200e-6
# CPU seconds of i-vector extraction per second of speech, and of the extractor's training in addition (512 Gaussians,
# 100 dimensions).
IVECTOR_SECONDS, EXTRACTOR_SECONDS = 0.003, 0.02
# CPU seconds of decoding per second of speech.
DECODING_SECONDS = 0.2


def tdnnf_net(path: Path, seconds: float, num_pdfs: int, rates: Rates) -> Net:
    """Compute the size of the TDNN-F of ``tdnnf.yaml`` for utterances of `seconds` on average."""
    dim, narrow, prefinal = (setting(path, "model", key) for key in ("dim", "bottleneck_dim", "prefinal_dim"))
    strides = setting(path, "model", "strides")
    ivector = 100
    layers = [(2 if stride else 1) * 2 * dim * narrow for stride in strides]
    first = (3 * FEATURES + ivector) * dim
    head = dim * prefinal + 2 * (2 * prefinal * dim + prefinal * num_pdfs)
    # Once all further strides are multiples of three, layers are computed at every third frame; those before, at every
    # frame.
    dense = next(n for n in range(len(strides) + 1) if all(stride % SUBSAMPLING == 0 for stride in strides[n:]))
    products = first + sum(layers[:dense]) + (sum(layers[dense:]) + head) / SUBSAMPLING
    return Net(
        multiplications=products,
        weights=first + sum(layers) + head,
        dim=dim,
        units_per_utterance=setting(path, "fit", "epochs") * seconds * FRAMES_A_SECOND,
        precision=setting(path, "fit", "precision"),
        overhead=rates.frame + DENOMINATOR_SECONDS / SUBSAMPLING,
        gflops=rates.gflops,
    )


def estimate(options: Options, plan: Plan, facts: Facts, rates: Rates) -> list[Cost]:
    """Estimate the cost of each stage of a run from its plan."""
    nothing = Size(0, 0.0, 1, "not found", False)
    emotion = facts.sizes.get(options.test, nothing)
    speech = speech_size(options, facts)
    copies = 1 + len(options.speeds) * (not options.toy)
    frames = 3600 * FRAMES_A_SECOND * (emotion.hours + (1 + copies) * speech.hours)
    utts = emotion.utts + (1 + copies) * speech.utts
    mfcc = compressed(frames, utts, FEATURES), frames / FRAMES_A_SECOND / 3600 * rates.features
    audit = audits([emotion], 1, rates)
    stages = [
        data_dirs(list(facts.sizes.values()), options.toy, rates),
        Cost(1, "MFCC, copies, audit", mfcc[0] + audit[0], mfcc[1] + audit[1]),
    ]
    heard = 3600 * (emotion.hours + (1 + copies) * speech.hours)
    if plan.of("ivectors"):
        trained = EXTRACTOR_SECONDS * 3600 * copies * speech.hours
        stages.append(Cost(2, "i-vectors", 4 * 10 * heard * 100, heard * IVECTOR_SECONDS + trained))
    tdnnf = Path(options.settings("tdnnf"))
    path = tdnnf if tdnnf.is_file() else Path("conf/asr_tdnn/tdnnf.yaml")
    seconds = 3600 * speech.hours / max(1, speech.utts)
    net = tdnnf_net(path, seconds, 100 if options.toy else 3600, rates)
    if options.trains:
        stages.append(Cost(3, "lexicon and n-gram", 0.0, 10 * rates.start))
        stages.append(training(4, "recogniser", [copies * speech.utts], net, rates))
        if options.decode:
            tenth = 0.1 * speech.hours * 3600
            stages.append(Cost(5, "word errors", 0.0, tenth * (DECODING_SECONDS + FRAMES_A_SECOND * forward(net))))
    of_emotion = emotion.hours * 3600 * FRAMES_A_SECOND
    bottlenecks = len(plan.of("bottlenecks"))
    two_bytes = 2 * net.dim * of_emotion / SUBSAMPLING
    cpu = bottlenecks * (2 * rates.start + of_emotion * forward(net))
    stages.append(Cost(6, "bottlenecks", bottlenecks * len(options.layers) * two_bytes, cpu))
    frame = Path(options.settings("frames"))
    keys = (("model", "hidden"), ("fit", "epochs"), ("data", "frames"))
    hidden, epochs, drawn = (setting(frame, *key) for key in keys)
    dense = Net(net.dim * max(hidden, 4), net.dim * max(hidden, 4), hidden, epochs * drawn, "fp32", 2e-6, rates.gflops)
    sizes: list[float] = [emotion.utts] * (len(facts.folds) * len(plan.of("frames")))
    stages.append(training(7, "frame classifiers", sizes, dense, rates))
    stages.append(Cost(8, "scores and report", 0.0, 20 * rates.start))
    return stages
