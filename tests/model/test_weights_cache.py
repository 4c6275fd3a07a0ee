import errno
import json
import threading
from pathlib import Path

import pytest

from npc_engine.errors import LoadError
from npc_engine.model import weights_cache
from npc_engine.model.weights_cache import WeightsCache, checksum


def write(folder: Path) -> None:
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"weights" * 1000)


def leftovers(cache: WeightsCache) -> list[str]:
    return [path.name for path in cache.root.iterdir() if path.name.startswith(".")]


@pytest.fixture
def cache(tmp_path) -> WeightsCache:
    return WeightsCache(tmp_path)


def test_what_was_built_is_found(cache):
    path = cache.build("tiny", "tiny model", write)
    assert cache.find("tiny") == path
    (entry,) = cache.entries()
    assert (entry.key, entry.source, entry.num_bytes > 7000) == ("tiny", "tiny model", True)
    assert leftovers(cache) == []


@pytest.mark.parametrize("damage", ["flipped", "short", "missing", "manifest", "other version"])
def test_a_damaged_model_is_taken_away(cache, damage):
    path = cache.build("tiny", "tiny", write)
    weights, manifest = path / "model.safetensors", path / "manifest.json"
    if damage == "flipped":
        weights.write_bytes(b"Weights" + weights.read_bytes()[7:])
    elif damage == "short":
        weights.write_bytes(weights.read_bytes()[:-1])
    elif damage == "missing":
        weights.unlink()
    elif damage == "manifest":
        manifest.write_text("{", encoding="utf-8")
    else:
        data = json.loads(manifest.read_text(encoding="utf-8"))
        manifest.write_text(json.dumps({**data, "version": 999}), encoding="utf-8")
    assert cache.find("tiny") is None
    assert not path.exists()
    assert leftovers(cache) == []
    assert cache.build("tiny", "tiny", write) == cache.find("tiny")


def test_a_full_disk_says_where_and_leaves_nothing(cache):
    def fill(folder: Path) -> None:
        write(folder)
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "model.safetensors"))

    with pytest.raises(LoadError, match=r"No space left.*NPC_ENGINE_CACHE"):
        cache.build("tiny", "tiny", fill)
    assert list(cache.root.iterdir()) == []


def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LoadError, match="NPC_ENGINE_CACHE"):
        WeightsCache(tmp_path / "file").build("tiny", "tiny", write)


def test_a_conversion_that_fails_leaves_nothing(cache):
    def fail(folder: Path) -> None:
        write(folder)
        raise LoadError("no")

    with pytest.raises(LoadError, match="no"):
        cache.build("tiny", "tiny", fail)
    assert list(cache.root.iterdir()) == []


def test_two_at_once_end_with_one_whole_model(cache):
    both_written = threading.Barrier(2)
    paths: list[Path] = []

    def slow_write(folder: Path) -> None:
        write(folder)
        both_written.wait(10)

    threads = [
        threading.Thread(target=lambda: paths.append(cache.build("tiny", "tiny", slow_write)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [cache.find("tiny")] * 2
    assert leftovers(cache) == []


def test_removing_frees_the_bytes(cache):
    cache.build("tiny", "tiny", write)
    assert cache.remove("tiny") > 7000
    assert cache.remove("tiny") == 0
    assert cache.entries() == ()


def test_the_folder_can_be_chosen_by_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("NPC_ENGINE_CACHE", str(tmp_path / "elsewhere"))
    assert WeightsCache().root == tmp_path / "elsewhere" / "models"
    assert WeightsCache(tmp_path).root == tmp_path / "models"


def test_large_files_are_checked_in_samples_that_reach_both_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(weights_cache, "_WHOLE_FILE_BYTES", 1 << 17)
    path = tmp_path / "large"
    data = bytearray(1 << 18)
    path.write_bytes(data)
    sound = checksum(path)
    assert sound.startswith("sampled-")
    for position in (0, 1 << 17, -1):
        changed = bytearray(data)
        changed[position] = 1
        path.write_bytes(changed)
        assert checksum(path) != sound
