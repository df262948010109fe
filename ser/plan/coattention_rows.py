"""The rows of system C's results, one for each row of the paper's tables, and the files that their models read."""

from collections.abc import Iterator
from dataclasses import dataclass

from ser.plan.coattention_options import ENCODERS, LOSSES, RANDOM, Options


@dataclass(frozen=True)
class Row:
    """A row of the results table: one model for each fold.

    Attributes
    ----------
    corpus : the corpus on which it is trained and tested.
    name : part of the names of its folders.
    layer, variant : values of these columns of the table.
    inputs : modality -> scp.
    text : the text condition of training and test, or "-".
    settings, overrides : YAML file of settings of the training, and ``key=value`` changes to it.
    tune : the audio encoder that is trained along with the model, and its layer; None if no audio encoder is trained.
    """

    corpus: str
    name: str
    layer: str
    variant: str
    inputs: dict[str, str]
    text: str
    settings: str
    overrides: tuple[str, ...] = ()
    tune: tuple[str, str] | None = None

    @property
    def modality(self) -> str:
        """The modality as the table writes it, such as ``speech+text``."""
        return "+".join(self.inputs)

    @property
    def is_unseen(self) -> bool:
        """Whether its models are trained on one half of the sentences and tested on the other."""
        return self.text == "unseen-sentence"

    @property
    def is_random(self) -> bool:
        """Whether its only model is of the random split."""
        return self.variant == RANDOM


def net_folder(options: Options, encoder: str) -> str:
    """Folder of an audio encoder: the user's, or the one that the run makes."""
    if encoder in options.others:
        return options.others[encoder].source
    return getattr(options, encoder) or str(options.layout.exp / encoder)


def states(options: Options, encoder: str, corpus: str) -> str:
    """Table of the states of an audio encoder for the patches of a corpus."""
    return str(options.layout.exp / "states" / f"{encoder}_{corpus}" / f"{options.layer(encoder)}.scp")


def patches(options: Options, encoder: str, corpus: str) -> str:
    """Table of a corpus's patches of log-mel energies, the input of an audio encoder."""
    return str(options.layout.exp / "patches" / f"{ENCODERS[encoder][1]}_{corpus}.scp")


def tokens(options: Options, corpus: str) -> str:
    """Table of the token states of a corpus."""
    return str(options.layout.exp / "tokens" / f"{corpus}.scp")


def list_rows(options: Options) -> list[Row]:
    """List the rows: of each corpus with speech and text, of the combined corpora, of speech alone, of text alone."""
    fusion, best = options.settings("fusion"), options.fusion_encoder
    rows = [row for corpus in options.tests for row in _of_test(options, corpus)]
    if both := "+".join(options.together):
        read = {"speech": states(options, best, both), "text": tokens(options, both)}
        joint = f"{best}+{options.text_layer}"
        rows.append(Row(both, "fusion", joint, options.losses[0], read, "gold", fusion, _loss(options.losses[0])))
    for corpus in options.speech_only:
        heard, layer = {"speech": states(options, best, corpus)}, f"{best}_{options.layer(best)}"
        rows.append(Row(corpus, "speech", layer, "fixed", heard, "-", fusion))
    for corpus in options.text_only:
        rows.append(Row(corpus, "text", options.text_layer, "fixed", {"text": tokens(options, corpus)}, "gold", fusion))
    return rows


def _of_test(options: Options, corpus: str) -> Iterator[Row]:
    fusion, best = options.settings("fusion"), options.fusion_encoder
    for encoder in options.nets:
        layer = options.layer(encoder)
        for variant in options.variants:
            if variant == "fixed":
                heard = {"speech": states(options, encoder, corpus)}
                yield Row(corpus, f"{encoder}_fixed", f"{encoder}_{layer}", variant, heard, "-", fusion)
            elif encoder in options.tuned:
                heard = {"speech": patches(options, encoder, corpus)}
                settings, tune = options.settings(f"tune_{encoder}"), (net_folder(options, encoder), layer)
                yield Row(corpus, f"{encoder}_tuned", f"{encoder}_{layer}", variant, heard, "-", settings, (), tune)
    heard, read = {"speech": states(options, best, corpus)}, {"text": tokens(options, corpus)}
    speech, joint = f"{best}_{options.layer(best)}", f"{best}+{options.text_layer}"
    yield Row(corpus, "text", options.text_layer, "fixed", read, "gold", fusion)
    for loss in options.losses:
        yield Row(corpus, f"fusion_{loss}", joint, loss, heard | read, "gold", fusion, _loss(loss))
    first = options.losses[0]
    if best in options.tuned:
        change, tune = _loss(first), (net_folder(options, best), options.layer(best))
        inputs, settings = {"speech": patches(options, best, corpus)} | read, options.settings(f"tune_{best}")
        yield Row(corpus, "fusion_tuned", joint, "tuned", inputs, "gold", settings, change, tune)
    if corpus in options.unseen:
        yield Row(corpus, "text_unseen", options.text_layer, "fixed", read, "unseen-sentence", fusion)
        yield Row(corpus, "fusion_unseen", joint, first, heard | read, "unseen-sentence", fusion, _loss(first))
    if corpus in options.random:
        yield Row(corpus, "speech_random", speech, RANDOM, heard, "-", fusion)
        yield Row(corpus, "text_random", options.text_layer, RANDOM, read, "gold", fusion)
        yield Row(corpus, "fusion_random", joint, RANDOM, heard | read, "gold", fusion, _loss(first))


def _loss(name: str) -> tuple[str, ...]:
    """Return the change of the settings to one of --losses."""
    return (f"loss.kind={LOSSES[name]}",)
