"""Arithmetic of small decoders compiled for the processor it runs on.

The operators of torch take longer to call than to compute when a model has 135 million weights and
one token is read. These kernels are compiled by numba on first use, once per machine.
"""
