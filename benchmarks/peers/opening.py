"""Opens the sides of `benchmarks.session`, each in a process of its own."""

import argparse
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.protocol import Answer, PeerError, PeerProcess
from npc_engine.model.fetching import embedded_gguf

PEERS = ("generate", "generate_float32", "llama")


@dataclass(frozen=True, slots=True)
class Opened:
    """The sides that run, what they say they are, and why others do not run."""

    peers: Mapping[str, PeerProcess]
    infos: Mapping[str, Answer]
    left_out: Mapping[str, str]

    def settings(self) -> dict[str, object]:
        """For the table and the JSON."""
        told = {
            f"{n} {key}": value for n, info in self.infos.items() for key, value in info.items()
        }
        return {**told, **{f"{name} left out": why for name, why in self.left_out.items()}}


def open_peers(options: argparse.Namespace, stack: contextlib.ExitStack) -> Opened:
    """All sides that can be opened; they are closed with the stack.

    Raises:
        PeerError: Ours cannot be opened.
    """
    shared = ["--threads", str(options.threads), *core_arguments(options)]

    def start(name: str, command: Sequence[str]) -> PeerProcess:
        peer = PeerProcess(name, [*command, *shared], threads=options.threads)
        stack.callback(peer.close)
        return peer

    ours = [sys.executable, "-m", "benchmarks.peers.ours", "--model", options.model]
    peers = {
        "ours": start("ours", ours),
        "worker": start("worker", [*ours, "--process", "worker"]),
    }
    for peer in peers.values():
        peer.wait_until_open()
    info = peers["ours"].ask("info")
    left_out: dict[str, str] = {}
    started: dict[str, PeerProcess] = {}
    for name in wanted_peers(options.peers, info["device"]):
        try:
            started[name] = start(name, peer_command(name, options, info))
        except PeerError as error:
            left_out[name] = str(error)
    for name, peer in started.items():
        try:
            peer.wait_until_open()
            peers[name] = peer
        except PeerError as error:
            left_out[name] = str(error)
    if not info["device"].startswith("cuda"):
        left_out["generate, static and compiled"] = (
            f"on {info['device']} it needs a C++ compiler on the user's machine"
        )
    for name, why in left_out.items():
        sys.stderr.write(f"left out: {name}: {why}\n")
    return Opened(peers, {name: peer.ask("info") for name, peer in peers.items()}, left_out)


def wanted_peers(names: str, device: str) -> list[str]:
    """The peers asked for; on a GPU `generate` also with a static cache, compiled."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = sorted(set(wanted) - set(PEERS))
    if unknown:
        raise SystemExit(f"--peers: found {', '.join(unknown)}; expected {', '.join(PEERS)}")
    if device.startswith("cuda") and "generate" in wanted:
        wanted.append("generate_static")
    return wanted


def peer_command(name: str, options: argparse.Namespace, info: Mapping[str, Any]) -> list[str]:
    """How to start a peer; it reads the same weights as ours, llama.cpp the file they came from."""
    if name == "llama":
        gguf = options.llama_gguf or embedded_gguf()
        if gguf is None:
            raise PeerError("llama: found no .gguf; give one with --llama-gguf")
        return [options.llama_python, "-m", "benchmarks.peers.llama", "--gguf", str(gguf)]
    dtype = "float32" if name == "generate_float32" else info["dtype"]
    command = [sys.executable, "-m", "benchmarks.peers.generate", "--folder", info["folder"]]
    command += ["--dtype", dtype, "--device", info["device"]]
    return [*command, "--static"] if name == "generate_static" else command


def core_arguments(options: argparse.Namespace) -> list[str]:
    """One core for everybody, the last one this process may use; nothing where it cannot pin."""
    if not (options.pin and hasattr(os, "sched_getaffinity")):
        return []
    return ["--core", str(max(os.sched_getaffinity(0)))]
