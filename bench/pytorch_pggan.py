"""PGGAN (Karras et al. 2017) as `recipes/pggan.toml` has it, fully grown, with three channels: 3x32x32, batch 32."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH, NOISE, DECAY, DRIFT, PENALTY = 32, 64, 0.995, 1e-3, 10.0
CHANNELS = 64, 64, 32, 16  # at 4x4, 8x8, 16x16, 32x32


class Equalised(nn.Module):
    """A layer whose weights are scaled at run time."""

    def __init__(self, shape, gain=math.sqrt(2), padding=0):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(shape)), nn.Parameter(torch.zeros(shape[0]))
        self.scale, self.padding = gain / math.sqrt(self.weight[0].numel()), padding

    def forward(self, x):
        if self.weight.dim() == 2:
            return F.linear(x, self.weight * self.scale, self.bias)
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class PixelNorm(nn.Module):
    def forward(self, x):
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class Deviation(nn.Module):
    def forward(self, x):
        b, _, h, w = x.shape
        grouped = x.reshape(4, b // 4, -1)
        deviation = (grouped.var(0, unbiased=False) + 1e-8).sqrt().mean(1)
        return torch.cat([x, deviation.repeat(4).view(b, 1, 1, 1).expand(b, 1, h, w)], 1)


def leaky():
    return nn.LeakyReLU(0.2)


def same(i, o):
    return Equalised((o, i, 3, 3), padding=1)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        c = CHANNELS
        first = Equalised((c[0] * 16, NOISE), math.sqrt(2) / 4)
        layers = [PixelNorm(), first, nn.Unflatten(1, (c[0], 4, 4)), leaky(), PixelNorm(), same(c[0], c[0]), leaky(), PixelNorm()]
        for i, o in zip(c, c[1:]):
            layers += [nn.Upsample(scale_factor=2), same(i, o), leaky(), PixelNorm(), same(o, o), leaky(), PixelNorm()]
        self.maps = nn.Sequential(*layers)
        self.images = nn.ModuleList(Equalised((3, i, 1, 1), 1.0) for i in c)

    def forward(self, z):
        return self.images[-1](self.maps(z))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        c, layers = CHANNELS[::-1], []
        for i, o in zip(c, c[1:]):
            layers += [same(i, i), leaky(), same(i, o), leaky(), nn.AvgPool2d(2)]
        last = c[-1]
        layers += [Deviation(), same(last + 1, last), leaky(), Equalised((last, last, 4, 4)), leaky(), nn.Flatten(), Equalised((1, last), 1.0)]
        self.images = nn.ModuleList(Equalised((i, 3, 1, 1)) for i in c)
        self.maps = nn.Sequential(*layers)

    def forward(self, x):
        return self.maps(F.leaky_relu(self.images[0](x), 0.2)).view(-1)


class System:
    samples = BATCH

    def __init__(self, settings):
        self.settings = settings
        self.generator, self.discriminator = settings.network(Generator()), settings.network(Discriminator())
        self.networks = dict(generator=self.generator, discriminator=self.discriminator)
        self.optimizers = [settings.adam(m.parameters(), 1e-3, (0.0, 0.99)) for m in (self.generator, self.discriminator)]
        self.average = [p.detach().clone() for p in self.generator.parameters()]
        self.real = settings.images(torch.rand(BATCH, 3, 32, 32) * 2 - 1)

    def penalty(self, fake):
        share = torch.rand(BATCH, 1, 1, 1)
        between = (share * self.real + (1 - share) * fake).requires_grad_(True)
        with self.settings.half():
            scores = self.discriminator(between)
        (gradient,) = torch.autograd.grad(scores.float().sum(), between, create_graph=True)
        return PENALTY * (gradient.flatten(1).norm(dim=1) - 1).square().mean()

    def step(self):
        (by_g, by_d), half, D = self.optimizers, self.settings.half, self.discriminator
        with half():
            with torch.no_grad():
                fake = self.generator(torch.randn(BATCH, NOISE))
            r, f = D(self.real).float(), D(fake).float()
        score_loss = f.mean() - r.mean()
        d_loss = score_loss + DRIFT * r.square().mean() + self.penalty(fake.float())
        by_d.zero_grad(), d_loss.backward(), by_d.step(), by_g.zero_grad()
        with self.settings.frozen(D):
            with half():
                g_loss = -D(self.generator(torch.randn(BATCH, NOISE))).float().mean()
            g_loss.backward(), by_g.step()
        torch._foreach_lerp_(self.average, [p.detach() for p in self.generator.parameters()], 1 - DECAY)
        return dict(generator_loss=g_loss, discriminator_loss=score_loss)

    def sample(self):
        self.generator(torch.randn(BATCH, NOISE))
