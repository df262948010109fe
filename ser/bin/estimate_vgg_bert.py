"""Estimate disk, CPU hours and GPU hours of each stage of local/run_vgg_bert.sh, before anything runs.

Prints the corpus, with what it took its size from, and the stages. With --free it prints nothing and fails where the
stages need more disk than is free. local/vgg_bert.sh gives the options of a run.

  local/run_vgg_bert.sh --iemocap /corpora/IEMOCAP_full_release --estimate"""

from ser import cli


def main() -> None:
    from ser.estimate import command

    parser = cli.make_parser(__doc__)
    for name in ("protocols", "yardsticks", "yardstick-modalities", "copies"):
        parser.add_argument(f"--{name}", default="", help="as local/run_vgg_bert.sh has it")
    parser.add_argument("conf", help="folder of the settings")
    command.add_options(parser)
    args = parser.parse_args()

    from pathlib import Path

    from ser.estimate import nets, vgg_bert

    rates, conf = command.read_rates(args), Path(args.conf)
    recipe = vgg_bert.Recipe(
        args.test,
        *(tuple(w.split()) for w in (args.protocols, args.modalities, args.yardsticks, args.yardstick_modalities)),
        copies=len(args.copies.split()),
        nj=args.nj,
        toy=args.toy is not None,
    )
    num_mels, rate, hop = (nets.setting(conf / "logmel.yaml", key) for key in ("num_mels", "sample_rate", "hop"))
    settings = vgg_bert.Settings(
        num_mels,
        rate / hop,
        nets.vgg_net(conf / "vgg.yaml", num_mels, rates) if recipe.uses("speech") else None,
        nets.text_net(conf / "bert.yaml", args.text_model, rates) if recipe.uses("text") else None,
        {name: nets.setting(conf / f"{name}.yaml", "fit", "epochs") for name in recipe.yardsticks},
    )
    found = command.measure(args, recipe.corpora())
    stages = vgg_bert.estimate(recipe, found, rates, settings)
    command.answer(args, recipe.corpora(), found, stages, rates, vgg_bert.LAST_OF_DATA)


if __name__ == "__main__":
    cli.run(main)
