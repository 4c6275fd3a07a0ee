"""Compiled kernels that are older than a source are made anew."""

import os

from npc_engine.model.kernel_files import drop_stale_kernels


def write(path, seconds):
    path.parent.mkdir(exist_ok=True)
    path.write_text("x", encoding="utf-8")
    os.utime(path, (seconds, seconds))


def test_what_is_older_than_any_source_goes_and_nothing_else(tmp_path):
    write(tmp_path / "lanes.py", 100)
    write(tmp_path / "kernels.py", 300)
    kept = tmp_path / "__pycache__"
    write(kept / "lanes.add-20.py311.nbi", 200)
    write(kept / "lanes.add-20.py311.1.nbc", 200)
    write(kept / "kernels.product-9.py311.nbi", 400)
    write(kept / "lanes.cpython-311.pyc", 50)
    assert drop_stale_kernels(tmp_path) == 2
    assert sorted(path.name for path in kept.iterdir()) == [
        "kernels.product-9.py311.nbi",
        "lanes.cpython-311.pyc",
    ]
    assert drop_stale_kernels(tmp_path) == 0


def test_a_folder_without_sources_or_kernels_is_fine(tmp_path):
    assert drop_stale_kernels(tmp_path) == 0
    assert drop_stale_kernels(tmp_path / "missing") == 0
