"""BigGAN (Brock et al. 2018) as `recipes/biggan.toml` has it, with three channels: 3x32x32, ten classes, batch 64."""
import torch
import torch.nn as nn
import torch.nn.functional as F

import pytorch_sagan
from pytorch_sagan import CLASSES, Discriminator, glorot

WIDTH, CHUNK, EMBEDDING, ORTHOGONAL = 16, 15, 16, 1e-4


class ChunkNorm(nn.Module):
    """Scales and shifts from a chunk of noise beside the embedding of the class."""

    def __init__(self, c):
        super().__init__()
        self.norm = nn.BatchNorm2d(c, affine=False)
        self.gain, self.shift = (glorot(nn.Linear(CHUNK + EMBEDDING, c, bias=False)) for _ in range(2))

    def forward(self, x, condition):
        gain, shift = self.gain(condition), self.shift(condition)
        return F.relu(self.norm(x) * (1 + gain)[:, :, None, None] + shift[:, :, None, None])


class Generator(pytorch_sagan.Generator):
    def __init__(self):
        super().__init__(WIDTH, CHUNK, ChunkNorm)
        self.embedding = nn.Embedding(CLASSES, EMBEDDING)

    def conditions(self, z, y):
        first, *chunks = z.split(CHUNK, 1)
        return first, [torch.cat([chunk, self.embedding(y)], 1) for chunk in chunks]


def orthogonal(network):
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:
            nn.init.orthogonal_(parameter)
    return network


class System(pytorch_sagan.System):
    noise, decay, d_steps = 4 * CHUNK, 0.995, 2
    rates, betas = (5e-4, 2e-3), (0.0, 0.999)

    def build(self):
        generator = orthogonal(Generator())
        self.regularised = [p for name, p in generator.named_parameters() if p.dim() > 1 and "embedding" not in name]
        return generator, orthogonal(Discriminator(WIDTH))

    def weight_term(self):
        """The squared scalar products of different filters."""
        total = 0.0
        for weight in self.regularised:
            products = weight.flatten(1) @ weight.flatten(1).T
            total = total + (products - torch.diag(products.diagonal())).square().sum()
        return ORTHOGONAL * total
