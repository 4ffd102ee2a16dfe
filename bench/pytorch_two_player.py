"""The two-player workloads: a generator, a discriminator, one update of each from the same fakes, batch 64."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import spectral_norm as SN

BATCH = 64


def dcgan_generator(size, channels, width, nz=100):
    ups = {28: 2, 32: 3, 64: 4}[size]
    if size == 28:                                   # 7 -> 14 -> 28
        return nn.Sequential(nn.ConvTranspose2d(nz, width*2, 7, 1, 0, bias=False), nn.BatchNorm2d(width*2), nn.ReLU(True),
                             nn.ConvTranspose2d(width*2, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True),
                             nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False), nn.Tanh())
    layers, c = [nn.ConvTranspose2d(nz, width*2**(ups-1), 4, 1, 0, bias=False), nn.BatchNorm2d(width*2**(ups-1)), nn.ReLU(True)], width*2**(ups-1)
    for _ in range(ups-1):
        layers += [nn.ConvTranspose2d(c, c//2, 4, 2, 1, bias=False), nn.BatchNorm2d(c//2), nn.ReLU(True)]; c //= 2
    return nn.Sequential(*layers, nn.ConvTranspose2d(c, channels, 4, 2, 1, bias=False), nn.Tanh())

def dcgan_discriminator(size, channels, width, norm=True):
    bn = lambda c: [nn.BatchNorm2d(c)] if norm else []
    if size == 28:
        return nn.Sequential(nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(.2, True), nn.Conv2d(width, width*2, 4, 2, 1, bias=False), *bn(width*2), nn.LeakyReLU(.2, True), nn.Conv2d(width*2, 1, 7, 1, 0, bias=False))
    layers, c, s = [nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(.2, True)], width, size//2
    while s > 4:
        layers += [nn.Conv2d(c, c*2, 4, 2, 1, bias=False), *bn(c*2), nn.LeakyReLU(.2, True)]; c *= 2; s //= 2
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 0, bias=False))

def mlp_generator():
    block = lambda i, o, norm=True: [nn.Linear(i, o)] + ([nn.BatchNorm1d(o)] if norm else []) + [nn.LeakyReLU(.2, True)]
    return nn.Sequential(*block(100, 128, False), *block(128, 256), *block(256, 512), *block(512, 1024), nn.Linear(1024, 784), nn.Tanh())
def mlp_discriminator():
    return nn.Sequential(nn.Linear(784, 512), nn.LeakyReLU(.2, True), nn.Linear(512, 256), nn.LeakyReLU(.2, True), nn.Linear(256, 1))

class GBlock(nn.Module):
    def __init__(s, i, o):
        super().__init__(); s.b1, s.c1, s.b2, s.c2, s.sc = nn.BatchNorm2d(i), nn.Conv2d(i, o, 3, 1, 1), nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1), nn.Conv2d(i, o, 1)
    def forward(s, x):
        up = lambda t: F.interpolate(t, scale_factor=2)
        return s.c2(F.relu(s.b2(s.c1(up(F.relu(s.b1(x))))))) + s.sc(up(x))
class ResG(nn.Module):
    def __init__(s, w=128, nz=128):
        super().__init__(); s.w = w; s.l = nn.Linear(nz, 16*w); s.blocks = nn.Sequential(GBlock(w, w), GBlock(w, w), GBlock(w, w)); s.b = nn.BatchNorm2d(w); s.c = nn.Conv2d(w, 3, 3, 1, 1)
    def forward(s, z): return torch.tanh(s.c(F.relu(s.b(s.blocks(s.l(z).view(-1, s.w, 4, 4))))))
class DBlock(nn.Module):
    def __init__(s, i, o, down, first=False):
        super().__init__(); s.c1, s.c2, s.sc, s.down, s.first = SN(nn.Conv2d(i, o, 3, 1, 1)), SN(nn.Conv2d(o, o, 3, 1, 1)), SN(nn.Conv2d(i, o, 1)), down, first
    def forward(s, x):
        h = s.c2(F.relu(s.c1(x if s.first else F.relu(x)))); p = lambda t: F.avg_pool2d(t, 2) if s.down else t
        return p(h) + (s.sc(p(x)) if s.first else p(s.sc(x)))
class ResD(nn.Module):
    def __init__(s, w=64):
        super().__init__(); s.blocks = nn.Sequential(DBlock(3, w, True, True), DBlock(w, w, True), DBlock(w, w, False), DBlock(w, w, False)); s.l = SN(nn.Linear(w, 1))
    def forward(s, x): return s.l(F.relu(s.blocks(x)).sum((2, 3)))

WORKLOADS = {  # generator, discriminator, image shape, latent shape, loss
    "gan-mlp":       lambda: (mlp_generator(), mlp_discriminator(), (784,), (100,), "ns"),
    "gan-mlp-gp":    lambda: (mlp_generator(), mlp_discriminator(), (784,), (100,), "gp"),
    "dcgan-28":      lambda: (dcgan_generator(28, 1, 64), dcgan_discriminator(28, 1, 64), (1, 28, 28), (100, 1, 1), "ns"),
    "dcgan-64":      lambda: (dcgan_generator(64, 3, 64), dcgan_discriminator(64, 3, 64), (3, 64, 64), (100, 1, 1), "ns"),
    "dcgan-64-gp":   lambda: (dcgan_generator(64, 3, 64), dcgan_discriminator(64, 3, 64, norm=False), (3, 64, 64), (100, 1, 1), "gp"),
    "sngan-resnet-32": lambda: (ResG(), ResD(), (3, 32, 32), (128,), "hinge"),
}


class System:
    samples = BATCH

    def __init__(self, settings, name):
        self.settings = settings
        G, D, shape, self.latents, self.loss = WORKLOADS[name]()
        images = len(shape) == 3
        self.generator, self.discriminator = settings.network(G, images), settings.network(D, images)
        self.networks = dict(generator=self.generator, discriminator=self.discriminator)
        self.optimizers = [settings.adam(m.parameters(), 2e-4, (.5, .999)) for m in self.networks.values()]
        self.real = settings.images(torch.rand(BATCH, *shape) * 2 - 1)

    def drawn(self):
        return torch.randn(BATCH, *self.latents)

    def discriminator_loss(self, fake):
        D, loss = self.discriminator, self.loss
        r, f = D(self.real).view(-1).float(), D(fake).view(-1).float()
        if loss == "ns":
            return F.softplus(-r).mean() + F.softplus(f).mean(), 0
        if loss == "hinge":
            return F.relu(1 - r).mean() + F.relu(1 + f).mean(), 0
        e = torch.rand(BATCH, *[1] * (fake.dim() - 1))
        x = (e * self.real + (1 - e) * fake.float()).requires_grad_(True)
        g, = torch.autograd.grad(D(x).float().sum(), x, create_graph=True)
        return f.mean() - r.mean(), 10 * ((g.float().flatten(1).norm(2, 1) - 1) ** 2).mean()

    def step(self):
        (by_g, by_d), half, D = self.optimizers, self.settings.half, self.discriminator
        with half():
            fake = self.generator(self.drawn())
            d_loss, penalty = self.discriminator_loss(fake.detach())
        by_d.zero_grad(), (d_loss + penalty).backward(), by_d.step(), by_g.zero_grad()
        with self.settings.frozen(D):
            with half():
                f = D(fake).view(-1).float()
            g_loss = F.softplus(-f).mean() if self.loss == "ns" else -f.mean()
            g_loss.backward(), by_g.step()
        return dict(generator_loss=g_loss, discriminator_loss=d_loss)

    def sample(self):
        self.generator(self.drawn())
