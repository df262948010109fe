"""What the trainings of a grid's cells read: data dirs without a fold and a class, noisy copies, and their audits."""

from pathlib import Path

from ser.experiments.artefact import Artefact, Workshop, shell_words
from ser.experiments.finished_run import FinishedRun
from ser.experiments.grid import GridConfig, Variant
from ser.plan import calls
from ser.plan.corpora import holding, read_corpora
from ser.plan.layout import Layout
from ser.plan.roles import NONE, Roles

# The folder of an artefact, as its commands write it; the table of an audit's artefact.
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
        self._config, self._make, self._run = config, workshop.artefact, run

    def role(self, train: tuple[str, ...], fold: str, held_out: str, variant: Variant | None = None) -> Artefact:
        """Utterances that train net and back end, without the fold and without the held-out class: ``$dir/data``.

        With a variant, its noisy copies and those at other speeds are included.
        """
        sources = self._sources(train)
        for speed in variant.speeds if variant else ():
            sources += [(name, self._run.emotion(self._run.at.at_speed(name, speed))) for name in train]
        copies = {name: self._copies(name) for name in train} if variant and variant.noise else {}
        noisy = [(name, self._copies_dir(name, Path(made.path))) for name, made in copies.items()]
        shares = self._run.options.hold_out_speakers, None
        return self._role_dir(sources, noisy, fold, held_out, shares, tuple(copies.values()))

    def text_role(self, roles: Roles, fold: str, held_out: str) -> Artefact:
        """Utterances that train the text model, without speakers that the back end keeps from nets: ``$dir/data``."""
        other = roles.fold_of(fold, roles.backend)
        backend = self.role(roles.corpora_of(other, roles.backend), other, held_out)
        shares = calls.held_out(roles, self._run.options.hold_out_speakers, "text", data_of(backend))
        inputs = (backend,) if shares[1] else ()
        return self._role_dir(self._sources(roles.text_train), [], fold, held_out, shares, inputs)

    def _sources(self, names: tuple[str, ...]) -> list[tuple[str, Path]]:
        return [(name, self._run.emotion(name)) for name in names]

    def _role_dir(
        self,
        sources: list[tuple[str, Path]],
        made: list[tuple[str, Path]],
        fold: str,
        held_out: str,
        shares: tuple[float, Path | None],
        inputs: tuple[Artefact, ...],
    ) -> Artefact:
        """Combine data dirs of the run (`sources`) and of `inputs` (`made`); `shares` as `calls.held_out` has them."""
        options = self._run.options
        without = f" --without-class {held_out}" if held_out != NONE else ""
        without += f" --unseen '{' '.join(options.unseen)}'" if options.unseen else ""
        words = calls.role_dir(DIR / "data", [*sources, *made], options.test, fold, *shares)
        return self._make(
            "role",
            shell_words(f"local/make_role_dir.sh{without}", words),
            inputs=inputs,
            given=self._run.digest_data(*(data for _, data in sources)),
        )

    @staticmethod
    def _copies_dir(corpus: str, folder: Path) -> Path:
        """The data dir of noisy copies of a corpus in the folder of their artefact."""
        return Layout(folder, folder).emotion(Layout.noisy(corpus))

    def _copies(self, corpus: str) -> Artefact:
        """Noisy copies of a corpus, prepared for the nets: the folder `_copies_dir` in ``$dir``."""
        at, options = Layout(DIR, DIR), self._run.options
        compress = f"--nj 1 --compress {str(options.compress).lower()}"
        configs = "--mfcc-config conf/mfcc.conf --pitch-config conf/pitch.conf"
        by_speaker = f"--speaker-cmvn {str(options.speaker_cmvn).lower()}"
        copies, prepared = at.corpus("copies"), at.normalised("copies")
        clean, musan, rirs = self._run.corpora((corpus, *holding("noise", read_corpora())))
        return self._make(
            "copies",
            f"steps/augment_data_dir.sh --kinds '{' '.join(self._config.noise_kinds)}' {clean} {musan} {rirs} {copies}",
            f"steps/make_mfcc_pitch.sh {compress} {configs} {copies}",
            f"steps/prepare_feats.sh {compress} {by_speaker} --cmvn-config conf/cmvn.conf {copies} {prepared}",
            f"utils/apply_label_map.sh {options.label_map} {prepared} {self._copies_dir(corpus, DIR)}",
            given=self._run.digest_data(clean, musan, rirs),
        )

    def audit(self, train: tuple[str, ...], fold: str, held_out: str, variant: Variant | None = None) -> Artefact:
        """The audit: a fold's test set must share nothing with its training sets; if it fails, nothing is trained."""
        run, roles = self._run, self._run.roles
        role = self.role(train, fold, held_out, variant)
        test = run.data_dir(run.at.test(fold))
        others = {"pretrain": roles.pretrain, "text": roles.text_train}
        given = {
            name: run.data_dir(run.at.role(name, roles.fold_of(fold, names))) for name, names in others.items() if names
        }
        corpora = run.corpora((*roles.pretrain, *train, *roles.text_train, roles.test))
        words = calls.audit(corpora, DIR / AUDIT, test, {**given, "finetune+backend": data_of(role)})
        return self._make(
            "audit",
            shell_words("python3 -m ser.bin.audit_protocol", words),
            inputs=(role,),
            given=run.digest_data(test, *given.values(), *corpora),
        )
