"""The model in a child process: frames over pipes, a watch, and one final event for every request.

`python -m npc_engine.model.worker` is the child. Nothing else here imports torch.
"""
