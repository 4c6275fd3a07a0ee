"""What is measured side by side, each in a process of its own: `python -m benchmarks.peers.NAME`.

Every peer answers the same questions over pipes (protocol.py), on the same token ids, greedily,
with nothing that ends a reply early.
"""
