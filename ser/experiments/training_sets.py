"""What the trainings of a grid's cells read: data dirs without a fold and a class, noisy copies, and their audits."""

from pathlib import Path

from ser.experiments.artefact import Artefact, Workshop, shell_words
from ser.experiments.finished_run import FinishedRun
from ser.experiments.grid import GridConfig, Variant
from ser.plan import calls
from ser.plan.corpora import holding, read_corpora
from ser.plan.layout import Layout
from ser.plan.roles import NONE

# The folder of an artefact, as its commands write it; and of an audit's, the table.
DIR = Path("$dir")
AUDIT = "audit.tsv"


def data_of(role: Artefact) -> Path:
    """Return the data dir of a training set."""
    return Path(role.path, "data")


class TrainingSets:
    """The training sets of a grid and their audits. Equal arguments give the same artefact.

    Parameters
    ----------
    config : the grid.
    workshop : factory of artefacts.
    run : the finished run that it builds on.
    """

    def __init__(self, config: GridConfig, workshop: Workshop, run: FinishedRun) -> None:
        self._config, self._make, self._run, self._at = config, workshop.artefact, run, run.at

    def role(self, train: tuple[str, ...], fold: str, held_out: str, variant: Variant | None = None) -> Artefact:
        """Utterances of the training corpora without the fold and without the held-out class: ``$dir/data``.

        With a variant, its noisy copies and those at other speeds are included.
        """
        at = self._at
        sources = [(name, self._run.emotion(name)) for name in train]
        for speed in variant.speeds if variant else ():
            sources += [(name, self._run.emotion(at.at_speed(name, speed))) for name in train]
        copies = {name: self._copies(name) for name in train} if variant and variant.noise else {}
        noisy = [(name, self._copies_dir(name, Path(made.path))) for name, made in copies.items()]
        without = f" --without-class {held_out}" if held_out != NONE else ""
        config = self._config
        without += f" --unseen '{' '.join(config.unseen)}'" if config.unseen else ""
        words = calls.role_dir(DIR / "data", [*sources, *noisy], config.test, fold, config.hold_out_speakers)
        return self._make(
            "role",
            shell_words(f"local/make_role_dir.sh{without}", words),
            inputs=tuple(copies.values()),
            given=self._run.digest_data(*(data for _, data in sources)),
        )

    @staticmethod
    def _copies_dir(corpus: str, folder: Path) -> Path:
        """The data dir of noisy copies of a corpus in the folder of their artefact."""
        return Layout(folder, folder).emotion(Layout.noisy(corpus))

    def _copies(self, corpus: str) -> Artefact:
        """Noisy copies of a corpus, prepared for the nets: the folder `_copies_dir` in ``$dir``."""
        config, at = self._config, Layout(DIR, DIR)
        copies, prepared = at.corpus("copies"), at.normalised("copies")
        clean, musan, rirs = self._run.corpora((corpus, *holding("noise", read_corpora())))
        return self._make(
            "copies",
            f"steps/augment_data_dir.sh --kinds '{' '.join(config.noise_kinds)}' {clean} {musan} {rirs} {copies}",
            f"steps/make_mfcc_pitch.sh --nj 1 --mfcc-config conf/mfcc.conf --pitch-config conf/pitch.conf {copies}",
            f"steps/prepare_feats.sh --nj 1 --cmvn-config conf/cmvn.conf {copies} {prepared}",
            f"utils/apply_label_map.sh {config.label_map} {prepared} {self._copies_dir(corpus, DIR)}",
            given=self._run.digest_data(clean, musan, rirs),
        )

    def audit(self, train: tuple[str, ...], fold: str, held_out: str, variant: Variant | None = None) -> Artefact:
        """The audit: a fold's test set must share nothing with its training sets; if it fails, nothing is trained."""
        config = self._config
        role = self.role(train, fold, held_out, variant)
        test = self._run.data_dir(self._at.test(fold))
        pretrain = self._run.data_dir(self._at.role("pretrain", self.fold(fold, config.pretrain)))
        text_fold = self.fold(fold, config.text_train)
        given = {"pretrain": pretrain}
        if config.text_train:
            given["text"] = self._run.data_dir(self._at.role("text", text_fold))
        corpora = self._run.corpora((*config.pretrain, *train, *config.text_train, config.test))
        words = calls.audit(corpora, DIR / AUDIT, test, {**given, "finetune+backend": data_of(role)})
        return self._make(
            "audit",
            shell_words("python3 -m ser.bin.audit_protocol", words),
            inputs=(role,),
            given=self._run.digest_data(test, *given.values(), *corpora),
        )

    def fold(self, fold: str, corpora: tuple[str, ...]) -> str:
        """Return the fold of what is trained on these corpora: `none` where the scored corpus is not among them."""
        return fold if self._config.test in corpora else NONE
