"""pix2pix (Isola et al. 2016) as `recipes/pix2pix.toml` has it: 3x64x64, batch 4."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from pytorch_cyclegan import BATCH, WIDTH, discriminator, norm

HALVINGS, DISTANCE = 6, 100.0


def drawn(layer):
    nn.init.normal_(layer.weight, 0, 0.02), nn.init.zeros_(layer.bias)
    return layer


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        c = [3] + [WIDTH * min(8, 2 ** number) for number in range(HALVINGS)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for number in range(HALVINGS):
            layers = [drawn(nn.Conv2d(c[number], c[number + 1], 4, 2, 1))]
            layers = [nn.LeakyReLU(0.2)] * (number > 0) + layers
            layers += [norm(c[number + 1])] * (0 < number < HALVINGS - 1)
            self.down.append(nn.Sequential(*layers))
        for number in range(HALVINGS):
            below = HALVINGS - number
            last = below == 1
            to = 3 if last else c[below - 1]
            layers = [nn.ReLU(), drawn(nn.ConvTranspose2d(c[below] * (1 if number == 0 else 2), to, 4, 2, 1))]
            layers += [nn.Tanh()] if last else [norm(to)] + [nn.Dropout(0.5)] * (number < 3)
            self.up.append(nn.Sequential(*layers))

    def forward(self, x):
        maps = []
        for down in self.down:
            x = down(x)
            maps.append(x)
        for up, beside in zip(self.up, [None] + maps[-2::-1]):
            x = up(x if beside is None else torch.cat([x, beside], 1))
        return x


class System:
    samples = BATCH

    def __init__(self, settings):
        self.settings = settings
        self.translator, self.discriminator = settings.network(Unet()), settings.network(discriminator(6))
        self.networks = dict(translator=self.translator, discriminator=self.discriminator)
        self.optimizers = [settings.adam(m.parameters(), 2e-4, (0.5, 0.999)) for m in (self.translator, self.discriminator)]
        images = lambda: settings.images(torch.rand(BATCH, 3, 64, 64) * 2 - 1)
        self.a, self.b = images(), images()

    def scored(self, images):
        return self.discriminator(torch.cat([self.a, images], 1)).float()

    def step(self):
        (by_t, by_d), half = self.optimizers, self.settings.half
        with half():
            fake = self.translator(self.a)
            d_loss = F.softplus(-self.scored(self.b)).mean() + F.softplus(self.scored(fake.detach())).mean()
        by_d.zero_grad(), d_loss.backward(), by_d.step(), by_t.zero_grad()
        with self.settings.frozen(self.discriminator):
            with half():
                loss = F.softplus(-self.scored(fake)).mean() + DISTANCE * F.l1_loss(fake.float(), self.b)
            loss.backward(), by_t.step()
        return dict(generator_loss=loss, discriminator_loss=d_loss)

    def sample(self):
        self.translator(self.a)
