"""What is said of an error that the engine thread met. Imports torch."""

import torch


def text_of(error: Exception) -> str:
    """For `GenerationEnd.error`."""
    if isinstance(error, torch.OutOfMemoryError):
        return f"out of memory: {error}; use fewer conversations at once or a smaller model"
    return str(error) or type(error).__name__
