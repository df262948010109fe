"""Estimate disk, CPU hours and GPU hours of each stage of run.sh, before anything runs.

Prints the corpora that it finds, with what it took their sizes from, and the stages. With --free it prints nothing and
fails where the stages need more disk than is free. local/roles.sh gives the options of a run.

  ./run.sh --corpora /corpora --estimate"""

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--rates", required=True, help="conf/rates.yaml")
    parser.add_argument("--stage", type=int, default=0)
    parser.add_argument("--stop-stage", type=int, default=9)
    parser.add_argument("--free", action="store_true", help="check the free disk instead")
    for name in ("pretrain", "finetune", "backend", "text-train", "modalities", "finetune-speeds", "augment"):
        parser.add_argument(f"--{name}", default="", help="as run.sh has it; --text-train is empty where text is off")
    parser.add_argument("--layers", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--finetune-noise", type=cli.boolean, default=False)
    parser.add_argument("--compress", type=cli.boolean, default=True)
    parser.add_argument("--nj", type=int, default=1)
    parser.add_argument("--toy", metavar="YAML", help="sizes of the toy corpora, where the run is on these")
    parser.add_argument("--text-model", default="")
    parser.add_argument("--folder", action="append", default=[], metavar="CORPUS=DIR", help="where each corpus is")
    parser.add_argument("pretrain_config")
    parser.add_argument("finetune_config")
    parser.add_argument("text_config")
    parser.add_argument("data", help="folder of the data dirs")
    parser.add_argument("exp", help="folder of the models and results")
    args = parser.parse_args()

    from pathlib import Path

    from ser.config import load_config
    from ser.estimate import costs, disk, nets, sizes, table
    from ser.estimate.rates import Rates

    rates = load_config(Rates, args.rates)
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
    toy = None
    if args.toy:
        from ser.corpora.toy_corpora import ToyConfig

        toy = load_config(ToyConfig, args.toy)
    folders = dict(folder.split("=", 1) for folder in args.folder)
    measured = {
        name: sizes.measure(name, Path(args.data, name), Path(folders.get(name, name)), toy)
        for name in recipe.corpora()
    }
    found = {name: size for name, size in measured.items() if size is not None}
    pretrain, finetune = (nets.xvector_net(Path(path), rates) for path in (args.pretrain_config, args.finetune_config))
    text = nets.text_net(Path(args.text_config), args.text_model, rates) if recipe.text_train else None
    stages = [
        cost
        for cost in costs.estimate(recipe, found, rates, pretrain, finetune, text)
        if args.stage <= cost.stage <= args.stop_stage
    ]
    if args.free:
        disk.check_free(stages, Path(args.data), Path(args.exp))
    else:
        missing = {name: folders.get(name, name) for name in measured if name not in found}
        print(table.show(found, missing, stages, rates.gpu), end="")


if __name__ == "__main__":
    cli.run(main)
