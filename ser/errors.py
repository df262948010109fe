"""The error that a user can correct."""


class SerError(Exception):
    """Bad input, a missing file or an impossible setting.

    The message says who, what with the values found, and the remedy, for example
    ``data/cremad/utt2spk:17: expected 2 fields, found 3: '1001 1001 x'``.
    Commands print it without a traceback and exit with status 1 (`ser.cli.run`).
    """
