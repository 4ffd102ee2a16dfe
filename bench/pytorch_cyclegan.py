"""CycleGAN (Zhu et al. 2017) as `recipes/cyclegan.toml` has it: 3x64x64, batch 4."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH, WIDTH, HALVINGS, BLOCKS, POOL, CYCLE = 4, 32, 2, 4, 50, 10.0


def conv(*sizes, **options):
    layer = nn.Conv2d(*sizes, **options)
    nn.init.normal_(layer.weight, 0, 0.02), nn.init.zeros_(layer.bias)
    return layer


def norm(c):
    return nn.InstanceNorm2d(c, affine=True)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        same = lambda: conv(c, c, 3, padding=1, padding_mode="reflect")
        self.main = nn.Sequential(same(), norm(c), nn.ReLU(True), same(), norm(c))

    def forward(self, x):
        return x + self.main(x)


def translator():
    layers, c = [conv(3, WIDTH, 7, padding=3, padding_mode="reflect"), norm(WIDTH), nn.ReLU(True)], WIDTH
    for _ in range(HALVINGS):
        layers += [conv(c, 2 * c, 4, 2, 1), norm(2 * c), nn.ReLU(True)]
        c *= 2
    layers += [Block(c) for _ in range(BLOCKS)]
    for _ in range(HALVINGS):
        layers += [nn.Upsample(scale_factor=2), conv(c, c // 2, 3, padding=1, padding_mode="reflect"), norm(c // 2), nn.ReLU(True)]
        c //= 2
    return nn.Sequential(*layers, conv(c, 3, 7, padding=3, padding_mode="reflect"), nn.Tanh())


def discriminator(channels=3):
    """Of patches of images; also pix2pix's."""
    layers, c = [conv(channels, WIDTH, 4, 2, 1), nn.LeakyReLU(.2, True)], WIDTH
    for number in range(1, HALVINGS + 1):
        layers += [conv(c, 2 * c, 4, 2 if number < HALVINGS else 1, 1), norm(2 * c), nn.LeakyReLU(.2, True)]
        c *= 2
    return nn.Sequential(*layers, conv(c, 1, 4, 1, 1))


class Pool:
    def __init__(self):
        self.held = []

    def exchange(self, fakes):
        chosen = []
        for fake in fakes.detach():
            if len(self.held) < POOL:
                self.held.append(fake.clone())
            elif random.random() < 0.5:
                place = random.randrange(POOL)
                fake, self.held[place] = self.held[place], fake.clone()
            chosen.append(fake)
        return torch.stack(chosen)


class System:
    samples = BATCH

    def __init__(self, settings):
        random.seed(0)
        self.settings = settings
        self.to_second, self.to_first = settings.network(translator()), settings.network(translator())
        self.first, self.second = settings.network(discriminator()), settings.network(discriminator())
        self.networks = dict(to_second=self.to_second, to_first=self.to_first, first=self.first, second=self.second)
        adam = lambda *modules: settings.adam([p for m in modules for p in m.parameters()], 2e-4, (0.5, 0.999))
        self.translators, self.by_first, self.by_second = adam(self.to_second, self.to_first), adam(self.first), adam(self.second)
        self.pools = Pool(), Pool()
        images = lambda: settings.images(torch.rand(BATCH, 3, 64, 64) * 2 - 1)
        self.a, self.b = images(), images()

    def step(self):
        a, b, half, square = self.a, self.b, self.settings.half, lambda s, target: 0.5 * ((s.float() - target) ** 2).mean()
        with self.settings.frozen(self.first, self.second, always=True):
            with half():
                fake_b, fake_a = self.to_second(a), self.to_first(b)
                again_a, again_b = self.to_first(fake_b), self.to_second(fake_a)
                loss = CYCLE * (F.l1_loss(again_a.float(), a) + F.l1_loss(again_b.float(), b))
                loss = loss + square(self.second(fake_b), 1) + square(self.first(fake_a), 1)
            self.translators.zero_grad(), loss.backward(), self.translators.step()
        losses = dict(generator_loss=loss)
        for name, D, by, pool, real, fake in [("second", self.second, self.by_second, self.pools[1], b, fake_b),
                                              ("first", self.first, self.by_first, self.pools[0], a, fake_a)]:
            with half():
                fake = self.settings.images(pool.exchange(fake))
                d_loss = square(D(real), 1) + square(D(fake), 0)
            by.zero_grad(), d_loss.backward(), by.step()
            losses[f"{name}_loss"] = d_loss
        return losses

    def sample(self):
        self.to_second(self.a)
