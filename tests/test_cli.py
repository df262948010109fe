"""What every command shares."""

import pytest

from ser import cli


def test_every_boolean_option_reads_alike_in_the_help():
    parser = cli.make_parser("A command.")
    parser.add_argument("--compress", type=cli.boolean, default=False, help="a byte a number [%(default)s]")
    parser.add_mutually_exclusive_group().add_argument("--zero", type=cli.boolean, default=True, help="[%(default)s]")
    parser.add_argument("--nj", type=int, default=4, help="jobs [%(default)s]")
    text = parser.format_help()
    assert (
        "--compress true|false" in text
        and "a byte a number [false]" in text
        and "--zero true|false     [true]" in text
        and "jobs [4]" in text
    )
    assert parser.parse_args(["--compress", "true"]).compress is True


def test_a_boolean_that_is_none_is_refused(capsys):
    parser = cli.make_parser("A command.")
    parser.add_argument("--compress", type=cli.boolean, default=False)
    with pytest.raises(SystemExit):
        parser.parse_args(["--compress", "maybe"])
    assert "expected true or false, found 'maybe'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["few", "1.5", "K-2"])
def test_rows_of_an_lda_are_a_number_or_k_less_1(text):
    parser = cli.make_parser("A command.")
    parser.add_argument("--lda-dim", type=cli.lda_rows)
    assert parser.parse_args(["--lda-dim", "K-1"]).lda_dim == 0
    with pytest.raises(SystemExit):
        parser.parse_args(["--lda-dim", text])


def test_a_note_that_a_stage_would_take_for_an_output_is_refused(capsys):
    parser = cli.make_parser("A command.")
    cli.add_done_option(parser)
    assert parser.parse_args(["--done", "exp/embeddings.1.done"]).done == "exp/embeddings.1.done"
    with pytest.raises(SystemExit):
        parser.parse_args(["--done", "exp/done"])
    assert "expected a name that ends in .done, found 'exp/done'" in capsys.readouterr().err
