"""Take over YAMNet, VGGish or emotion2vec from a file in which it was published, or any ONNX net.

<file> is yamnet.tflite, yamnet.h5 (needs the package h5py), yamnet.pth or vggish.pth (torch ports), or emotion2vec's
model.pt. Writes a folder of safetensors that extract_audio_embeddings and train_audio_encoder take. Nothing in the file
is run; a changed, truncated or pickled one is refused.

A .onnx file (needs the extra `onnx`) is copied. It takes one array, of samples or of patches of log mel energies
(96 frames of 64, as YAMNet); its outputs are the layers. extract_audio_embeddings takes it, nothing trains it.

  python3 -m ser.bin.import_audio_net yamnet.tflite exp/yamnet
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--any-version", type=cli.boolean, default=False,
        help="take a .tflite file of YAMNet other than the one that was checked [%(default)s]",
    )  # fmt: skip
    parser.add_argument(
        "--input", choices=("waveform", "patches"), default="waveform", help="what an ONNX net takes [%(default)s]"
    )
    parser.add_argument(
        "--row", choices=("frame", "utterance"), default="frame",
        help="what a row of the outputs of an ONNX net of waveforms is [%(default)s]",
    )  # fmt: skip
    parser.add_argument(
        "--sample-rate", type=int, default=16000, metavar="HZ", help="of an ONNX net of waveforms [%(default)s]"
    )
    parser.add_argument(
        "--least-samples", type=int, default=15600, metavar="N",
        help="shorter recordings are padded for an ONNX net [%(default)s]",
    )  # fmt: skip
    parser.add_argument("file", metavar="<file>", help="published weights")
    parser.add_argument("net_dir", metavar="<net-dir>", help="folder to write")
    args = parser.parse_args()

    if args.file.endswith(".onnx"):
        from ser.encoders.onnx_net import OnnxConfig, import_onnx

        config = OnnxConfig(args.input, args.row, args.sample_rate, args.least_samples, "")
        encoder = import_onnx(args.file, args.net_dir, config)
        logger.info("%s: an ONNX net of layers %s, from %s", args.net_dir, " ".join(encoder.layers), args.file)
        return

    from ser.encoders.net_dir import save_net
    from ser.encoders.published import read_published

    net = read_published(args.file, args.any_version)
    save_net(args.net_dir, net, args.file)
    numbers = sum(tensor.numel() for tensor in net.weights.values())
    logger.info("%s: %s of %d numbers, from %s", args.net_dir, net.kind, numbers, args.file)


if __name__ == "__main__":
    cli.run(main)
