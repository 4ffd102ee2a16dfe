"""How the peers compute: eager as tutorials write it, tuned as a careful user writes it, tuned under bfloat16 autocast.

Tuned is channels-last memory, fused Adam, and discriminators whose weights are frozen while a generator is updated.
"""
import contextlib

import torch


class Settings:
    def __init__(self, tuned=False, bf16=False, compiled=False):
        self.tuned, self.bf16, self.compiled = tuned, bf16, compiled

    @property
    def peer(self):
        parts = ["torch", "compile" if self.compiled else "eager"]
        return "-".join(parts + ["tuned"] * self.tuned + ["bf16"] * self.bf16)

    def images(self, tensor):
        """A batch of images in the memory layout of these settings; other tensors as they are."""
        return tensor.to(memory_format=torch.channels_last) if self.tuned and tensor.dim() == 4 else tensor

    def network(self, module, of_images=True):
        module = module.to(memory_format=torch.channels_last) if self.tuned and of_images else module
        return torch.compile(module) if self.compiled else module

    def adam(self, parameters, rate, betas):
        return torch.optim.Adam(parameters, rate, betas, **(dict(fused=True) if self.tuned else {}))

    def half(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bf16)

    @contextlib.contextmanager
    def frozen(self, *modules, always=False):
        """Weights of `modules` take no gradients inside, if tuned (or `always`)."""
        parameters = [p for m in modules for p in m.parameters()] if self.tuned or always else []
        for p in parameters:
            p.requires_grad_(False)
        yield
        for p in parameters:
            p.requires_grad_(True)
