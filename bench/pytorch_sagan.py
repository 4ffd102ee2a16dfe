"""SAGAN (Zhang et al. 2018) as `recipes/sagan.toml` has it: 3x32x32, ten classes, batch 64."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import spectral_norm as SN

BATCH, CLASSES, NOISE, WIDTH, DECAY = 64, 10, 128, 64, 0.999


def glorot(layer):
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return SN(layer)


def conv(i, o, side=3, bias=True):
    return glorot(nn.Conv2d(i, o, side, 1, side // 2, bias=bias))


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.query, self.key = conv(c, c // 8, 1, False), conv(c, c // 8, 1, False)
        self.value, self.output = conv(c, c // 2, 1, False), conv(c // 2, c, 1, False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        b, _, h, w = x.shape
        weights = torch.bmm(self.query(x).flatten(2).transpose(1, 2), self.key(x).flatten(2)).softmax(2)
        mixed = torch.bmm(self.value(x).flatten(2), weights.transpose(1, 2)).view(b, -1, h, w)
        return x + self.gamma * self.output(mixed)


class ConditionalNorm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm = nn.BatchNorm2d(c, affine=False)
        self.scale, self.shift = nn.Embedding(CLASSES, c), nn.Embedding(CLASSES, c)
        nn.init.ones_(self.scale.weight), nn.init.zeros_(self.shift.weight)

    def forward(self, x, y):
        return F.relu(self.norm(x) * self.scale(y)[:, :, None, None] + self.shift(y)[:, :, None, None])


class Up(nn.Module):
    def __init__(self, i, o, norm):
        super().__init__()
        self.norm1, self.norm2 = norm(i), norm(o)
        self.conv1, self.conv2, self.shortcut = conv(i, o), conv(o, o), conv(i, o, 1)

    def forward(self, x, y):
        up = lambda t: F.interpolate(t, scale_factor=2)
        return self.conv2(self.norm2(self.conv1(up(self.norm1(x, y))), y)) + self.shortcut(up(x))


class Generator(nn.Module):
    def __init__(self, w=WIDTH, entering=NOISE, norm=ConditionalNorm):
        super().__init__()
        self.start = 8 * w, 4, 4
        self.enter = glorot(nn.Linear(entering, 8 * w * 16))
        self.up0, self.up1, self.up2 = Up(8 * w, 4 * w, norm), Up(4 * w, 2 * w, norm), Up(2 * w, w, norm)
        self.attention = Attention(2 * w)
        self.norm, self.leave = nn.BatchNorm2d(w), conv(w, 3)

    def conditions(self, z, y):
        """What enters at the start, and what each block reads."""
        return z, (y, y, y)

    def forward(self, z, y):
        z, (first, second, third) = self.conditions(z, y)
        x = self.up0(self.enter(z).view(-1, *self.start), first)
        x = self.up2(self.attention(self.up1(x, second)), third)
        return torch.tanh(self.leave(F.relu(self.norm(x))))


class Down(nn.Module):
    def __init__(self, i, o, halves=True, first=False):
        super().__init__()
        self.conv1, self.conv2, self.shortcut = conv(i, o), conv(o, o), conv(i, o, 1)
        self.halves, self.first = halves, first

    def forward(self, x):
        main = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        total = main + self.shortcut(x)
        return F.avg_pool2d(total, 2) if self.halves else total


class Discriminator(nn.Module):
    def __init__(self, w=WIDTH):
        super().__init__()
        self.blocks0, self.attention = Down(3, w, first=True), Attention(w)
        self.blocks1 = nn.Sequential(Down(w, 2 * w), Down(2 * w, 4 * w), Down(4 * w, 8 * w, halves=False))
        self.alone, self.embedding = glorot(nn.Linear(8 * w, 1)), nn.Embedding(CLASSES, 8 * w)
        nn.init.xavier_uniform_(self.embedding.weight)
        SN(self.embedding)

    def forward(self, x, y):
        features = F.relu(self.blocks1(self.attention(self.blocks0(x)))).sum((2, 3))
        return self.alone(features).view(-1) + (self.embedding(y) * features).sum(1)


class System:
    samples, noise, decay, d_steps = BATCH, NOISE, DECAY, 1
    rates, betas = (1e-4, 4e-4), (0.0, 0.9)

    def __init__(self, settings):
        self.settings = settings
        self.generator, self.discriminator = (settings.network(network) for network in self.build())
        self.networks = dict(generator=self.generator, discriminator=self.discriminator)
        self.optimizers = [settings.adam(network.parameters(), rate, self.betas)
                           for network, rate in zip((self.generator, self.discriminator), self.rates)]
        self.average = [p.detach().clone() for p in self.generator.parameters()]
        self.real, self.labels = settings.images(torch.rand(BATCH, 3, 32, 32) * 2 - 1), torch.arange(BATCH) % CLASSES

    def build(self):
        return Generator(), Discriminator()

    def weight_term(self):
        """What the generator's loss has besides the discriminator's score."""
        return 0.0

    def drawn(self):
        return torch.randn(BATCH, self.noise), torch.randint(CLASSES, (BATCH,))

    def step(self):
        (by_g, by_d), half, D = self.optimizers, self.settings.half, self.discriminator
        for _ in range(self.d_steps):
            with half():
                z, y = self.drawn()
                with torch.no_grad():
                    fake = self.generator(z, y)
                r, f = D(self.real, self.labels).float(), D(fake, y).float()
                d_loss = F.relu(1 - r).mean() + F.relu(1 + f).mean()
            by_d.zero_grad(), d_loss.backward(), by_d.step()
        by_g.zero_grad()
        with self.settings.frozen(D):
            with half():
                z, y = self.drawn()
                g_loss = -D(self.generator(z, y), y).float().mean()
            (g_loss + self.weight_term()).backward(), by_g.step()
        torch._foreach_lerp_(self.average, [p.detach() for p in self.generator.parameters()], 1 - self.decay)
        return dict(generator_loss=g_loss, discriminator_loss=d_loss)

    def sample(self):
        self.generator(*self.drawn())
