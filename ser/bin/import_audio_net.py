"""Import YAMNet, VGGish or emotion2vec from a published file, or any ONNX net.

<file> is yamnet.tflite, yamnet.h5 (needs the package h5py), yamnet.pth or vggish.pth (torch ports), or emotion2vec's
model.pt. Writes a folder with safetensors for extract_audio_embeddings and train_audio_encoder. Nothing in the file is
run; a truncated file is refused, and so is a pickle of anything but weights. Of YAMNet's .tflite and .h5 and of VGGish
only the published files are accepted, which is told by their sha256. Of YAMNet's .pth and of emotion2vec not all
published files are known: a warning says that a file is not verified, but one that does not match the checksums in it
(torch 1.6 or later wrote them) is refused.

An .onnx file (needs the extra `onnx`) is copied. Its input must be one array, of samples or of patches of log-mel
energies (96 frames of 64 bands, as for YAMNet); its outputs are the layers. It works with extract_audio_embeddings, but
cannot be trained.

  python3 -m ser.bin.import_audio_net yamnet.tflite exp/yamnet
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--any-version", type=cli.boolean, default=False,
        help="accept other files than the published ones, with a warning [%(default)s]",
    )  # fmt: skip
    parser.add_argument(
        "--input", choices=("waveform", "patches"), default="waveform", help="input of an ONNX net [%(default)s]"
    )
    parser.add_argument(
        "--row", choices=("frame", "utterance"), default="frame",
        help="what a row of an ONNX net's output stands for, if its input is a waveform [%(default)s]",
    )  # fmt: skip
    parser.add_argument(
        "--sample-rate",
        type=int,
        default=16000,
        metavar="HZ",
        help="sampling rate of an ONNX net's input waveform [%(default)s]",
    )
    parser.add_argument(
        "--least-samples", type=int, default=15600, metavar="N",
        help="for an ONNX net, shorter recordings are padded to this [%(default)s]",
    )  # fmt: skip
    parser.add_argument("file", metavar="<file>", help="published weights")
    parser.add_argument("net_dir", metavar="<net-dir>", help="folder to write")
    args = parser.parse_args()

    if args.file.endswith(".onnx"):
        from ser.encoders.onnx_net import OnnxConfig, import_onnx

        config = OnnxConfig(args.input, args.row, args.sample_rate, args.least_samples, "")
        encoder = import_onnx(args.file, args.net_dir, config)
        logger.info("%s: an ONNX net with layers %s, from %s", args.net_dir, " ".join(encoder.layers), args.file)
        return

    from ser.encoders.net_dir import save_net
    from ser.encoders.published import read_published

    net = read_published(args.file, args.any_version)
    save_net(args.net_dir, net, args.file)
    numbers = sum(tensor.numel() for tensor in net.weights.values())
    logger.info("%s: %s with %d parameters, from %s", args.net_dir, net.kind, numbers, args.file)


if __name__ == "__main__":
    cli.run(main)
