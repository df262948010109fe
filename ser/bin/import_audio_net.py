"""Take over YAMNet, VGGish or emotion2vec from a file in which it was published.

<file> is yamnet.tflite, yamnet.h5 (needs the package h5py), yamnet.pth or vggish.pth (torch ports), or emotion2vec's
model.pt. Writes a folder of safetensors that extract_audio_embeddings and train_audio_encoder take. Nothing in the file
is run; a changed, truncated or pickled one is refused.

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
    parser.add_argument("file", metavar="<file>", help="published weights")
    parser.add_argument("net_dir", metavar="<net-dir>", help="folder to write")
    args = parser.parse_args()

    from ser.encoders.net_dir import save_net
    from ser.encoders.published import read_published

    net = read_published(args.file, args.any_version)
    save_net(args.net_dir, net, args.file)
    numbers = sum(tensor.numel() for tensor in net.weights.values())
    logger.info("%s: %s of %d numbers, from %s", args.net_dir, net.kind, numbers, args.file)


if __name__ == "__main__":
    cli.run(main)
