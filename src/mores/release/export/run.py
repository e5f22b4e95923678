"""A tuned arm → a folder that other programs read, with its prompt format and its card.

    export(study, arm="values_targeted", form="merged").folder

Everything is written into a folder beside its place, read again from there, compared with the tuned
arm, and renamed: what differs never stands under its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from mores import store
from mores.errors import ModelError
from mores.progress import Progress
from mores.release.arm import chosen
from mores.release.export.card import write_card
from mores.release.export.forms import is_whole
from mores.release.export.model import Dtype, Exported, Form, PromptFormat
from mores.release.export.place import ABOUT, taking_place
from mores.release.export.prompt_format import prompt_format
from mores.release.export.work import Work
from mores.study import ArmKey, ModelSpec, Study, folders
from mores.tune.base import base_of
from mores.tune.run import tune_step
from mores.weights.reader import open_reader
from mores.weights.resolve import ResolvedModel

FORMAT = "prompt_format.json"


def export(
    study: Study,
    *,
    arm: Literal["values_targeted", "control", "preference"] = "values_targeted",
    model: str | None = None,
    seed: int = 0,
    form: Literal["adapter", "merged", "gguf", "ollama", "vllm"] = "adapter",
    dtype: Literal["f32", "bf16", "f16", "q8_0"] = "f32",
    out: Path | None = None,
    converter: Path | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write a tuned arm for other programs, with its prompt format and its card.

    Log-probabilities of three training answers are compared before and after; where they differ by
    more than the form allows, nothing is written.

    Args:
        study: with tuned arms.
        arm: which of them.
        model: of which base model; by default the study's first.
        seed: training seed; 0: the study's first.
        form: adapter: as tuned, in PEFT's form. merged: one folder of safetensors with tokenizer
            and chat template. gguf: one file, through llama.cpp's converter. ollama: the same with
            a Modelfile. vllm: the adapter with a script that serves it.
        dtype: number format of merged weights; f32 is exact, q8_0 (gguf and ollama only) is the
            smallest and gives other numbers, which are printed.
        out: the folder to write; by default <run folder>/<model>/export/<arm>-<form>.
        converter: llama.cpp's convert_hf_to_gguf.py, or the folder that holds it.
        replace: overwrite a folder that is there.
        progress: where to show how far it is.

    Raises:
        StudyError: no such model, arm or training seed.
        ModelError: the arm is not tuned or not current, its weights are elsewhere, the form does
            not suit it, the converter failed, or what was written gives other numbers.
        StoreError: the folder is there already, or cannot be written.
    """
    progress = progress or Progress(quiet=True)
    spec, key = chosen(study, model, arm, seed)
    resolved, tuned, digest = _weights(study, spec, key, progress)
    target = out or folders.model_folder(study, spec.name) / "export" / f"{key.name}-{form}"
    _refuse_form(form, dtype, converter, whole=is_whole(tuned))
    reader = open_reader(resolved)
    asked = prompt_format(reader, spec.format, study.config.sample.decoding)
    work = Work(study, spec, key, resolved, tuned, reader, asked, form, dtype, converter, progress)
    with taking_place(target, replace=replace) as folder:
        check, command = work.write(folder, target)
        done = Exported(
            folder=str(target),
            form=form,
            dtype=work.stored,
            study=study.config.name,
            version=study.config.version,
            model=spec.name,
            base_digest=resolved.digest,
            arm=key.name,
            arm_digest=digest,
            files={},
            check=check,
            command=command,
            notes=tuple(work.notes()),
        )
        done = _finish(study, spec, done, asked, folder)
    progress.say(f"export: {target}")
    return done


def _finish(
    study: Study, spec: ModelSpec, done: Exported, asked: PromptFormat, folder: Path
) -> Exported:
    """Write what goes with the weights: format, card, and what this is."""
    store.write_json(folder / FORMAT, asked)
    if note := write_card(study, spec, done, asked, folder):
        done = replace(done, notes=(*done.notes, note))
    named = sorted(p for p in folder.rglob("*") if p.is_file())
    files = {p.relative_to(folder).as_posix(): store.digest_file(p) for p in named}
    done = replace(done, files=files)
    # Without paths of this machine: the folder goes to others.
    store.write_json(folder / ABOUT, replace(done, folder="", command=""))
    return done


# What is exported -----------------------------------------------------------------------------


def _weights(
    study: Study, spec: ModelSpec, key: ArmKey, progress: Progress
) -> tuple[ResolvedModel, Path, str]:
    """Base model, folder and digest of the arm's weights, which are those of the study as it is."""
    if not spec.here:
        raise ModelError(
            f"the weights of {key.name} are not on this machine",
            where=f"model {spec.name!r}",
            fix="they lie with the host that tuned them: export them there, or set host.fetch",
        )
    resolved = base_of(spec, progress.say)
    step = tune_step(study, spec, key, resolved.digest)
    if why := step.why():
        raise ModelError(
            f"arm {key.name} is not what the study describes: {why}",
            path=step.folder,
            fix=f"run `mores run {study.folder}` first: the card would speak of other weights",
        )
    return resolved, step.folder, step.digest()


def _refuse_form(form: Form, dtype: Dtype, converter: Path | None, *, whole: bool) -> None:
    """Refuse combinations that mean nothing, before anything is read."""
    why = fix = ""
    if form == "adapter" and whole:
        why, fix = "all weights were tuned: there is no adapter", "use --form merged"
    elif dtype != "f32" and form in ("adapter", "vllm"):
        why, fix = f"the form {form} copies the weights as they are", "leave --dtype out"
    elif dtype == "q8_0" and form == "merged":
        why, fix = "safetensors are not quantised here", "use --dtype bf16, or --form gguf"
    elif form in ("gguf", "ollama") and converter is None:
        why = "GGUF is written by llama.cpp's converter, and none was named"
        fix = "clone llama.cpp and name its folder: --converter llama.cpp"
    elif converter is not None and form not in ("gguf", "ollama"):
        why, fix = f"the form {form} needs no converter", "leave --converter out"
    if why:
        raise ModelError(why, where=f"--form {form}", fix=fix)
