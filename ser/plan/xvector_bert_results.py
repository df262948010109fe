"""The jobs of system A's last stage: human agreement, protocol card, report, detector; the source of text vectors."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ser.plan import calls
from ser.plan.encoders import read_encoders
from ser.plan.facts import Facts
from ser.plan.job import Job, job
from ser.plan.roles import NONE
from ser.plan.xvector_bert_options import Options


def results(options: Options, facts: Facts, corpus_dirs: Iterable[Path]) -> Iterator[Job]:
    """Yield the jobs of the last stage; `corpus_dirs` are the data dirs of the whole corpora, without copies."""
    at = options.layout
    if options.roles().pretrain and options.uses_net:
        # Look for two names of the same voice among all speakers who train the back end or are scored. Embeddings are
        # of the net pretrained on speakers; of that of the first fold, if the scored corpus is in its training data.
        pretrain = options.roles(facts.folds).folds_of(options.roles().pretrain)[0]
        net, voices = at.model("pretrain", pretrain), at.exp / "voices.tsv"
        yield job(5, "voices", pretrain, [net, at.embedded, voices], [net, at.embedded], [voices])
    if facts.annotated:
        inputs, table = [at.corpus(options.test), at.test(NONE) / "utt2emo"], at.exp / "human.tsv"
        yield job(9, "human", options.test, [*inputs, table], inputs, [table])
    words: list[object] = [*calls.card(corpus_dirs, options.text_name if options.uses_text else None), at.exp]
    yield job(9, "card", "card", words, [at.audits], [at.card])
    test, trained = at.emotion(options.test), [at.emotion(name) for name in options.roles().backend]
    page = calls.report(at.exp, test, [] if options.toy else [options.test], trained)
    yield job(9, "report", "report", page, [at.cells], [at.exp / "report.html"])
    # A detector has only one recording, not all recordings of its speaker.
    encoders = zip(options.encoders, read_encoders(options.encoders), strict=True)
    fitting = [word for word, encoder in encoders if encoder.fits_detector]
    has_net = options.uses_net and not options.speaker_cmvn
    if "speech" in options.scored and (has_net or (fitting and not options.uses_net)):
        words = ["--encoders", " ".join(fitting)] if fitting else []
        words += [at.data, at.exp, at.exp / "detector"]
        yield job(9, "detector", "detector", words, [at.exp], [at.exp / "detector"])


def text_used(options: Options, backend: Iterable[str]) -> str:
    """Return a line for each corpus of back ends, `backend`, and the scored one: the words of its text vectors."""
    roles, lines = options.roles(), []
    for name in backend:
        if name in options.drawn_text:
            source = " ".join(roles.text_train)
            lines.append(f"{name}: of a random utterance of the same label in {source} (training only)")
        elif name != options.test:
            lines.append(f"{name}: its own words")
    known = {
        "gold": "its own words",
        NONE: "none where it is scored",
        "shuffled": "where it is scored, the words of another utterance of its fold",
    }
    where = f"where it is scored, those of {options.text_name}"
    return "".join(f"{line}\n" for line in [*lines, f"{options.test}: {known.get(options.text_condition, where)}"])
