"""From a name to a folder of safetensors; everything else is refused with a remedy."""

from __future__ import annotations

import json
import shutil

import pytest

from mores import store
from mores.errors import ModelError
from mores.weights.listing import list_models
from mores.weights.resolve import bundled_names, folder_digest, resolve


def refused(name) -> ModelError:
    with pytest.raises(ModelError) as caught:
        resolve(str(name))
    return caught.value


def test_a_folder_is_found_with_its_digest(tiny_folder):
    resolved = resolve(str(tiny_folder))
    assert (resolved.name, resolved.folder, resolved.source) == (
        str(tiny_folder),
        str(tiny_folder),
        "folder",
    )
    assert resolved.digest == folder_digest(tiny_folder)
    assert resolved.digest.startswith("sha256:")


def test_a_home_folder_may_be_abbreviated(tiny_folder, monkeypatch):
    monkeypatch.setenv("HOME", str(tiny_folder.parent))
    assert resolve(f"~/{tiny_folder.name}").folder == str(tiny_folder)


def test_the_digest_does_not_depend_on_place_or_unrelated_files(copied, tiny_folder):
    (copied / "README.md").write_text("hello")
    (copied / "manifest.json").write_text("{}")
    (copied / "training_args.txt").write_text("x")
    assert folder_digest(copied) == folder_digest(tiny_folder)


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "chat_template.jinja",
        # its end-of-text token and, in older models, the chat template
        "tokenizer_config.json",
        # its end-of-text tokens end a sampled answer
        "generation_config.json",
    ],
)
def test_the_digest_depends_on_every_file_that_decides_outputs(copied, name):
    before = folder_digest(copied)
    with (copied / name).open("ab") as file:
        file.write(b" ")
    assert folder_digest(copied) != before


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt", "special_tokens_map.json"])
def test_the_digest_depends_on_tokenizers_of_the_older_form(copied, name):
    before = folder_digest(copied)
    (copied / name).write_text("{}")
    assert folder_digest(copied) != before


def test_an_unknown_name_gets_a_suggestion():
    assert bundled_names() == ["smollm2-135m", "gemma3-270m"]
    error = refused("smollm-135m")
    assert "'smollm-135m'; did you mean 'smollm2-135m'?" in error.message
    assert "mores models" in error.fix


def test_a_folder_without_weights(copied):
    (copied / "model.safetensors").unlink()
    error = refused(copied)
    assert "no weights here" in error.message
    assert error.path == str(copied)
    assert "safetensors" in error.fix


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth", "m.pt", "m.ckpt"])
def test_pickled_weights_are_refused_unread(copied, name):
    (copied / "model.safetensors").unlink()
    (copied / name).write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    error = refused(copied)
    assert f"only pickled weights here ({name})" in error.message
    assert "safetensors" in error.fix


def test_pickles_beside_safetensors_are_left_alone(copied):
    (copied / "pytorch_model.bin").write_bytes(b"x")
    assert resolve(str(copied)).digest == folder_digest(copied)


# GGUF ------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("MORES_CACHE", str(folder))
    return folder


def test_a_missing_gguf_file(tmp_path):
    error = refused(tmp_path / "none.gguf")
    assert (error.message, error.path) == ("no such file", str(tmp_path / "none.gguf"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GG",
        b"PK\x03\x04 a zip",
        b"GGUF",
        b"GGUF\x03\x00\x00\x00",
        b"GGUF\x03\x00\x00\x00" + b"\xff" * 64,
        b"GGUF\x03\x00\x00\x00" + bytes(64),
    ],
)
def test_a_file_that_is_no_gguf_or_only_its_beginning(tmp_path, cache, content):
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    error = refused(path)
    assert error.path == str(path)
    assert error.fix
    # nothing half done is left, and the second try says the same
    assert list((cache / "gguf").iterdir()) == []
    assert refused(path).message == error.message


def test_a_gguf_file_is_converted_once(tmp_path, cache, tiny_folder, monkeypatch):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF content")
    calls, said = [], []

    def convert(source, target):
        calls.append(source)
        shutil.copytree(tiny_folder, target)

    monkeypatch.setattr("mores.weights.gguf.convert_gguf", convert)
    first = resolve(str(path), say=said.append)
    second = resolve(str(path), say=said.append)
    assert first == second
    assert (first.source, first.digest) == ("gguf", folder_digest(tiny_folder))
    digits = store.digest_file(path).removeprefix("sha256:")[:16]
    assert first.folder == str(cache / "gguf" / f"m-{digits}")
    assert (len(calls), len(said)) == (1, 1)
    path.write_bytes(b"GGUF other content")
    assert resolve(str(path)).folder != first.folder
    assert [m.name for m in list_models() if m.source == "gguf"] == sorted(
        str(p) for p in (cache / "gguf").iterdir()
    )


# Hub -------------------------------------------------------------------------------------


def test_a_hub_id_offline_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    error = refused("nobody/nothing-here")
    assert "nobody/nothing-here is not in the local Hub cache" in error.message
    assert "offline" in error.message
    assert "HF_HUB_OFFLINE" in error.fix


def test_a_hub_id_without_network_is_a_clear_error(monkeypatch):
    import huggingface_hub

    def unreachable(name, *, local_files_only=False, **kwargs):
        raise OSError("Connection refused\nmore lines")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("MORES_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    error = refused("nobody/nothing-here")
    assert error.message == (
        "nobody/nothing-here could not be fetched from the Hugging Face Hub: Connection refused"
    )
    assert "network" in error.fix


def test_a_cached_hub_model_needs_no_network(tiny_folder, monkeypatch):
    import huggingface_hub

    def cached(name, *, local_files_only=False, allow_patterns=()):
        assert local_files_only
        assert not any("bin" in p or "py" in p or p == "*" for p in allow_patterns)
        return str(tiny_folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    said = []
    resolved = resolve("someone/model", say=said.append)
    assert (resolved.name, resolved.source, said) == ("someone/model", "hub", [])
    assert resolved.digest == folder_digest(tiny_folder)


def test_known_models_lists_bundled_converted_and_cached(cache, tmp_path, monkeypatch):
    hub = tmp_path / "hub"
    (hub / "models--org--name").mkdir(parents=True)
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))
    rows = {m.name: m for m in list_models()}
    assert (rows["smollm2-135m"].source, rows["smollm2-135m"].state) == (
        "bundled",
        "fetched on first use",
    )
    assert rows["smollm2-135m"].license == "Apache-2.0"
    assert rows["smollm2-135m"].bytes == 92_871_040
    assert rows["org/name"].state == "cached"


def test_a_bundled_model_that_cannot_be_fetched_says_so(cache, monkeypatch):
    from mores.errors import AssetError

    monkeypatch.setenv("MORES_OFFLINE", "1")
    with pytest.raises(AssetError, match="MORES_OFFLINE"):
        resolve("smollm2-135m", say=lambda line: None)


def test_a_damaged_configuration_is_a_model_error(copied):
    from mores.weights.load import load

    (copied / "config.json").write_text("{")
    with pytest.raises(ModelError):
        load(resolve(str(copied)))
    (copied / "config.json").write_text(json.dumps({"model_type": "no-such-model"}))
    with pytest.raises(ModelError):
        load(resolve(str(copied)))
    (copied / "config.json").unlink()
    with pytest.raises(ModelError, match=r"config\.json"):
        load(resolve(str(copied)))
