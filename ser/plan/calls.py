"""The arguments of the commands that a run and a grid both call, from the folders that they read and make.

A grid has these folders elsewhere than a run, but calls the same commands with the same arguments. Each function
returns the arguments of one command.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ser.kaldi.unseen import FILE as UNSEEN
from ser.plan.roles import NONE, Roles
from ser.results.result_table import ALL, BY_FOLD, NOT_APPLICABLE

SYSTEM = "xvector_bert"
# Value of the results' column `layer` in a row of text alone.
TEXT_LAYER = "bert"


def role_dir(
    made: Path,
    sources: Sequence[tuple[str, Path]],
    test: str,
    fold: str,
    hold_out: float = 0.0,
    without_speakers: Path | None = None,
) -> list[str]:
    """Return the arguments of local/make_role_dir.sh.

    Parameters
    ----------
    made : the data dir to make, on which a role trains.
    sources : (corpus, data dir) of each part.
    test, fold : the scored corpus, and its test fold; in `none` the scored corpus is not among the sources.
    hold_out : share of the speakers who are listed in unseen_speakers, to validate a net and to calibrate a back end.
    without_speakers : list of speakers who are left out, such as those held out by another role.
    """
    scored = [str(data) for corpus, data in sources if corpus == test]
    words = ["--fold", fold, "--scored", " ".join(scored)] if scored else []
    words += [f"--hold-out={hold_out}"] * bool(hold_out)
    words += [f"--without-speakers={without_speakers}"] * bool(without_speakers)
    return [*words, str(made), *(str(data) for _, data in sources)]


def held_out(roles: Roles, share: float, role: str, backend: Path) -> tuple[float, Path | None]:
    """Return `hold_out` and `without_speakers` of `role_dir` for a role.

    `backend` is the data dir on which the back end of the same fold trains; its speakers are listed there.
    """
    if role in ("finetune", "backend"):
        return share, None
    if not share or not set(roles.training[role]) & set(roles.backend):
        return 0.0, None
    return 0.0, backend / UNSEEN


def audit(corpora: Iterable[Path], made: Path, test: Path, trained: Mapping[str, Path]) -> list[str]:
    """Return the arguments of ser.bin.audit_protocol: the scored data dir against those of the roles that train."""
    whole = " ".join(map(str, corpora))
    return ["--corpora", whole, "--out", str(made), str(test), *(f"{role}={data}" for role, data in trained.items())]


def text_vectors(
    model: str | Path, donors: str | Path, made: Path, sources: Mapping[str, Path], drawn: Iterable[str]
) -> list[str]:
    """Return the arguments of local/make_text_vectors.sh.

    Parameters
    ----------
    model, donors : the text model, and the data dir of its training, whose texts are drawn.
    made : the folder of the vectors.
    sources : corpus -> data dir.
    drawn : corpora whose utterances get the vector of a random utterance of the same label.
    """
    by_label = " ".join(str(sources[name]) for name in drawn if name in sources)
    return ["--drawn", by_label, str(model), str(donors), str(made), *map(str, sources.values())]


def joined(speech: str | Path, text: str | Path, made: Path) -> list[str]:
    """Return the arguments of ser.bin.concat_vectors; `made` is the table without its suffix."""
    return [f"scp:{speech}", f"scp:{text}", f"ark,scp:{made}.ark,{made}.scp"]


def cell(
    names: Mapping[str, object],
    speakers: Path,
    train: tuple[Path, str | Path],
    test: tuple[Path, str | Path],
    made: Path,
    fallback: str | Path | None = None,
    text: Path | None = None,
) -> list[str]:
    """Return the arguments of ser.bin.evaluate_backend.

    Parameters
    ----------
    names : column of the results -> its value in this row. Columns that do not apply may be left out.
    speakers : data dir with the speakers of the scored corpus.
    train, test : data dir and table of vectors.
    made : folder of the row.
    fallback : table of speech vectors, for utterances without words.
    text : with a fallback, the words that are scored.
    """
    words = [word for name, value in names.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    pairs = [word for data, scp in (train, test) for word in (str(data), f"scp:{scp}")]
    words += ["--speakers", f"{speakers}/spk2utt"]
    if fallback:
        words += [f"--fallback-train=scp:{fallback}", f"--fallback-test=scp:{fallback}", f"--words={text}"]
    return [*words, *pairs, str(made)]


def row(
    roles: Roles, condition: str, scored: str, modality: str, layer: str, variant: str, seed: object, text: str
) -> dict[str, object]:
    """Name a row of the results: column -> value.

    Parameters
    ----------
    condition, scored : the condition that is trained for, and the fold that is scored. A corpus that is in no training
        may be scored fold by fold too; the column `test` says so. These rows have the same trials as the models that
        were trained on the other folds, so that the two can be compared.
    text : the text condition; it does not apply to speech alone.
    """
    return {
        "system": SYSTEM,
        "train": roles.train_name(condition, modality),
        "test": roles.test if scored == condition else roles.test + BY_FOLD,
        "fold": ALL if scored == NONE else scored,
        "variant": variant,
        "seed": seed,
        "text": NOT_APPLICABLE if modality == "speech" else text,
        "layer": layer,
        "modality": modality,
    }


def report(
    exp: Path, test: Path, corpora: Iterable[str], train: Iterable[Path] = (), row: Mapping[str, str] | None = None
) -> list[str]:
    """Return the arguments of steps/make_report.sh, with a page of errors.

    Parameters
    ----------
    test : data dir of all that was scored, with classes and recordings.
    corpora : those scored, since a licence may forbid embedding their clips; none if they are toy ones of these names.
    train : data dirs of the back ends' training.
    row : column of the results -> its value in the row that the page shows; None for the best row.
    """
    words = ["--test-dir", str(test)]
    for option, values in (
        ("--train-dirs", map(str, train)),
        ("--corpus", list(corpora) or ["toy"]),
        ("--row", (f"{name}={value}" for name, value in (row or {}).items())),
    ):
        if value := " ".join(values):
            words += [option, value]
    return [*words, str(exp)]


def card(corpora: Iterable[Path], text: str | None) -> list[str]:
    """Return arguments of ser.bin.make_protocol_card: the corpora, and the text condition if text is scored."""
    return ["--corpora", " ".join(map(str, corpora)), *(["--text-condition", text] if text else [])]
