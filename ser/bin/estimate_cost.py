"""Estimate disk, CPU hours and GPU hours of each stage of run.sh, before anything runs.

Prints the corpora that it finds, with what it took their sizes from, and the stages. With --free it prints nothing and
fails where the stages need more disk than is free. local/roles.sh gives the options of a run.

  ./run.sh --corpora /corpora --estimate"""

from ser import cli


def main() -> None:
    from ser.estimate import command

    parser = cli.make_parser(__doc__)
    for name in ("pretrain", "finetune", "backend", "text-train", "finetune-speeds", "augment"):
        parser.add_argument(f"--{name}", default="", help="as run.sh has it; --text-train is empty where text is off")
    parser.add_argument("--layers", required=True)
    parser.add_argument("--finetune-noise", type=cli.boolean, default=False)
    parser.add_argument("--compress", type=cli.boolean, default=True)
    parser.add_argument("pretrain_config")
    parser.add_argument("finetune_config")
    parser.add_argument("text_config")
    command.add_options(parser)
    args = parser.parse_args()

    from pathlib import Path

    from ser.estimate import costs, nets

    rates = command.read_rates(args)
    recipe = costs.Recipe(
        *(tuple(words.split()) for words in (args.pretrain, args.finetune, args.backend, args.text_train)),
        args.test,
        copies=len(args.augment.split()),
        finetune_noise=args.finetune_noise,
        finetune_speeds=tuple(map(float, args.finetune_speeds.split())),
        layers=tuple(args.layers.split(",")),
        modalities=tuple(args.modalities.split()),
        nj=args.nj,
        compress=args.compress,
        toy=args.toy is not None,
    )
    found = command.measure(args, recipe.corpora())
    pretrain, finetune = (nets.xvector_net(Path(path), rates) for path in (args.pretrain_config, args.finetune_config))
    text = nets.text_net(Path(args.text_config), args.text_model, rates) if recipe.text_train else None
    stages = costs.estimate(recipe, found, rates, pretrain, finetune, text)
    command.answer(args, recipe.corpora(), found, stages, rates, costs.LAST_OF_DATA)


if __name__ == "__main__":
    cli.run(main)
