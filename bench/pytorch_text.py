"""A GAN of lines through Gumbel softmax as `recipes/text-gumbel.toml` has it: 12 tokens of 6, batch 64, two critic updates."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH, LENGTH, SYMBOLS, LATENT, HIDDEN, WIDTH, STEPS, LINES = 64, 12, "x+-*/", 16, 64, 64, 3000, 6000
VOCABULARY = 1 + len(SYMBOLS)


def glorot(layer):
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = glorot(nn.Linear(LATENT, 2 * HIDDEN))
        self.input = glorot(nn.Linear(VOCABULARY + LATENT, 4 * HIDDEN))
        self.recurrent = glorot(nn.Linear(HIDDEN, 4 * HIDDEN, bias=False))
        self.logits = glorot(nn.Linear(HIDDEN, VOCABULARY))
        # One more in the forget gate (input, forget, cell, output); a constant, where nn.LSTMCell would train a second bias.
        self.register_buffer("forget", torch.cat([torch.full((HIDDEN,), float(gate == 1)) for gate in range(4)]))

    def forward(self, z, temperature):
        start = self.start(z)
        state = (torch.tanh(start[:, :HIDDEN]), start[:, HIDDEN:])
        token, tokens = z.new_zeros(len(z), VOCABULARY), []
        noise = -torch.log(-torch.log(torch.rand(LENGTH, len(z), VOCABULARY).clamp(1e-6, 1 - 1e-6)))
        for position in range(LENGTH):
            state = torch.lstm_cell(torch.cat([token, z], 1), state, self.input.weight, self.recurrent.weight, self.input.bias, self.forget)
            logits = self.logits(state[0])
            if position == 0:
                logits = logits - 1e4 * F.one_hot(torch.zeros(len(z), dtype=torch.long), VOCABULARY)
            token = ((logits + noise[position]) / temperature).softmax(1)
            tokens.append(token)
        return torch.stack(tokens, 1)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(glorot(nn.Conv1d(VOCABULARY, WIDTH, 3, padding=1)), nn.LeakyReLU(.2),
                                  glorot(nn.Conv1d(WIDTH, WIDTH, 3, padding=1)), nn.LeakyReLU(.2))
        self.score = glorot(nn.Linear(WIDTH * LENGTH, 1))

    def forward(self, x):
        return self.score(self.body(x.transpose(1, 2)).flatten(1)).view(-1)


def lines():
    """Tokens of the arithmetic grammar: one to six operands, all numbers of them equally likely; 0 ends a line."""
    def line():
        text = "x" + "".join(random.choice(SYMBOLS[1:]) + "x" for _ in range(random.randrange(6)))
        return [1 + SYMBOLS.index(symbol) for symbol in text] + [0] * (LENGTH - len(text))
    return torch.tensor([line() for _ in range(LINES)])


class System:
    samples = BATCH

    def __init__(self, settings):
        random.seed(0)
        self.settings, self.tokens, self.done = settings, lines(), 0
        self.generator, self.critic = settings.network(Generator(), False), settings.network(Critic(), False)
        self.networks = dict(generator=self.generator, discriminator=self.critic)
        self.optimizers = [settings.adam(m.parameters(), 1e-3, (0.5, 0.9)) for m in self.networks.values()]

    def fake(self):
        return self.generator(torch.randn(BATCH, LATENT), 0.5 ** (self.done / STEPS))

    def step(self):
        (by_g, by_d), half, D = self.optimizers, self.settings.half, self.critic
        for _ in range(2):
            real = F.one_hot(self.tokens[torch.randint(LINES, (BATCH,))], VOCABULARY).float()
            with half():
                with torch.no_grad():
                    fake = self.fake().float()
                d_loss = D(fake).float().mean() - D(real).float().mean()
                e = torch.rand(BATCH, 1, 1)
                x = (e * real + (1 - e) * fake).requires_grad_(True)
                g, = torch.autograd.grad(D(x).float().sum(), x, create_graph=True)
                penalty = 10 * ((g.float().flatten(1).norm(2, 1) - 1) ** 2).mean()
            by_d.zero_grad(), (d_loss + penalty).backward(), by_d.step()
        by_g.zero_grad()
        with self.settings.frozen(D):
            with half():
                g_loss = -D(self.fake()).float().mean()
            g_loss.backward(), by_g.step()
        self.done += 1
        return dict(generator_loss=g_loss, discriminator_loss=d_loss)

    def sample(self):
        self.fake().argmax(2)
