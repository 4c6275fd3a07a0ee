"""The model on an NVIDIA GPU: few kernels a layer, replayed as graphs, weights packed if need be.

Everything here also runs on a CPU through `plain_kernels`, slowly, so that it can be tested there.
"""
