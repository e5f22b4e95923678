"""One export under way: weights written in their form, read again, compared with the arm."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import ModelError
from mores.progress import Progress
from mores.release.export import forms, serve
from mores.release.export.check import Logprobs, chosen_samples, compare, read_arm, read_plain
from mores.release.export.model import Dtype, Form, PromptFormat, WeightCheck
from mores.release.export.prompt_format import begins, chat_template, pieces, writer
from mores.study import ArmKey, ModelSpec, Study
from mores.tune.adapters import ADAPTER_CONFIG
from mores.tune.encode import EncodedSample
from mores.weights.reader import Reader
from mores.weights.resolve import ResolvedModel

GGUF = "model.gguf"


class Work:
    """One export under way."""

    def __init__(
        self,
        study: Study,
        spec: ModelSpec,
        key: ArmKey,
        resolved: ResolvedModel,
        tuned: Path,
        reader: Reader,
        asked: PromptFormat,
        form: Form,
        dtype: Dtype,
        converter: Path | None,
        progress: Progress,
    ) -> None:
        self.study, self.spec, self.key = study, spec, key
        self.base, self.resolved, self.tuned = Path(resolved.folder), resolved, tuned
        self.reader, self.asked = reader, asked
        self.form, self.dtype, self.converter = form, dtype, converter
        self.say = progress.say
        self.whole = forms.is_whole(tuned)

    @property
    def stored(self) -> Dtype | None:
        """Number format of what is written; None where it is copied."""
        return None if self.form in ("adapter", "vllm") and not self.whole else self.dtype

    def write(self, folder: Path, target: Path) -> tuple[WeightCheck, str]:
        """Write the weights, compare them; return what was found and how to run them here."""
        texts, base, before = self._before()
        after, loader = self._after(folder, texts)
        self.say(f"export: compared with {self.key.name} by {loader}")
        check = compare(base, before, after, dtype=self.stored or "f32", loader=loader)
        return check, self._command(folder, target)

    def _before(self) -> tuple[list[EncodedSample], Logprobs, Logprobs]:
        from mores.weights.load import load

        loaded = load(self.resolved, dtype="float32", device="cpu", say=self.say)
        if loaded.quantised:
            raise ModelError(
                f"the base model's weights are quantised by {loaded.quantised}: they cannot be "
                "compared or merged in float32",
                path=self.base,
                fix="the arm's folder holds the adapter in PEFT's form: " + str(self.tuned),
            )
        texts = chosen_samples(self.study, loaded, self.spec.format, self.key.arm)
        return texts, *read_arm(loaded, self.tuned, self.key, texts)

    def _after(self, folder: Path, texts: list[EncodedSample]) -> tuple[Logprobs, str]:
        """Write weights of the form; read them again."""
        template = chat_template(self.reader.tokenizer, self.spec.format)
        if self.form in ("adapter", "vllm") and not self.whole:
            own = folder / "adapter" if self.form == "vllm" else folder
            forms.copy_adapter(self.tuned, own)
            self._beside(folder, template)
            return read_plain(forms.open_tuned(self.base, own), texts), "transformers and peft"
        if self.form in ("merged", "vllm"):
            own = folder / "model" if self.form == "vllm" else folder
            self._merged(own, template, self.dtype)
            if self.form == "vllm":
                self._beside(folder, template)
            self._same_tokens(_tokenizer(own), texts)
            return read_plain(forms.open_model(own), texts), "transformers"
        with tempfile.TemporaryDirectory(dir=folder.parent) as between:
            whole = Path(between) / self.key.name
            self._merged(whole, template, "f32")
            assert self.converter is not None  # seen to by `export`
            self.say("export: llama.cpp's converter is at work")
            forms.write_gguf(whole, folder / GGUF, self.dtype, self.converter)
        if self.form == "ollama":
            self._modelfile(folder)
        from mores.weights.gguf import read_gguf

        model, _ = read_gguf(folder / GGUF)
        return read_plain(model.eval(), texts), "transformers' reader of GGUF"

    def _merged(self, folder: Path, template: str, dtype: str) -> None:
        forms.write_merged(forms.open_tuned(self.base, self.tuned), folder, dtype)
        forms.write_tokenizer(self.base, folder, template)
        self._generation(folder)

    def _beside(self, folder: Path, template: str) -> None:
        if self.form == "vllm":
            store.write_text(folder / "chat_template.jinja", template)
            self._generation(folder)

    def _generation(self, folder: Path) -> None:
        forms.write_generation(folder, self.asked.decoding, self.asked.stop_token_ids)

    def _same_tokens(self, tokenizer: Any, texts: list[EncodedSample]) -> None:
        """Refuse a tokenizer that came through otherwise than it was."""
        from mores.weights.prompt import encode_completion, encode_prompt

        examples = {e.id: e for e in self.study.dataset(self.key.arm).examples}
        for text in texts:
            one, form = examples[text.id], self.spec.format
            ids = (
                *encode_prompt(tokenizer, form, one.prompt),
                *encode_completion(tokenizer, form, one.completion),
            )
            if ids != text.ids:
                raise ModelError(
                    "the exported tokenizer gives other tokens than the study's",
                    where=f"sample {text.id!r}",
                    fix="nothing was kept; report it with the name of the base model",
                )

    def _modelfile(self, folder: Path) -> None:
        tokenizer = self.reader.tokenizer
        bos = str(tokenizer.bos_token) if begins(tokenizer) else ""
        parts = pieces(writer(tokenizer, self.spec.format))
        store.write_text(folder / "Modelfile", serve.modelfile(GGUF, self.asked, parts, bos))

    def _command(self, folder: Path, target: Path) -> str:
        """The command that runs it on this machine; for vLLM also as a script in the folder."""
        if self.form == "ollama":
            name = f"{self.study.config.name}-{self.key.name}"
            return serve.shown(["ollama", "create", name, "-f", str(target / "Modelfile")])
        if self.form != "vllm":
            return ""
        rank = None if self.whole else int(store.read_json(self.tuned / ADAPTER_CONFIG)["r"])
        named = f"{self.spec.name} ({self.resolved.digest})"
        script = serve.vllm_script(self.key.name, rank, self.asked, named)
        store.write_text(folder / "serve.sh", script)
        here = str(target.resolve())
        base = serve.folder_or_id(self.resolved.source, self.spec.name, self.base)
        own = f"{here}/model" if self.whole else base
        return serve.shown(serve.vllm_command(own, here, self.key.name, rank))

    def notes(self) -> list[str]:
        """What the user should know of the format."""
        from mores.weights.chat import notes

        found = notes(self.reader.tokenizer) if self.spec.format == "chat" else []
        if self.asked.stop and self.form != "ollama":
            found.append(f"an answer also ends at {self.asked.stop[0]!r}: ask for that stop text")
        return found


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)
