"""Print, as shell commands, the environment variables that make the last bits of a computation equal on all processors.

utils/recipe.sh calls this for --reproducible true.

  python3 -m ser.bin.print_pins
"""

import shlex

from ser import cli


def main() -> None:
    cli.make_parser(__doc__).parse_args()

    from ser.arithmetic import pins

    for name, value in pins().items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    cli.run(main)
