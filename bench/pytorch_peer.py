"""The peer to beat: the same GAN training steps in PyTorch eager mode (or torch.compile), one JSON line each.

    python3 -m venv .venv && .venv/bin/pip install torch numpy && .venv/bin/python pytorch_peer.py [--compile] [--threads N] [WORKLOAD ...]

A step is one discriminator update and one generator update with Adam on a batch of 64 random images.
Peak memory is the process's maximum resident set in MiB, and the first step's time counts from --started-at (or
from here) with all imports, so run one workload a process to read them.
"""
import argparse, json, resource, time
t0 = time.time()
import torch, torch.nn as nn, torch.nn.functional as F
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

def build(name):
    """-> generator, discriminator, image shape, latent shape, loss name"""
    return {
        "gan-mlp":       lambda: (mlp_generator(), mlp_discriminator(), (784,), (100,), "ns"),
        "gan-mlp-gp":    lambda: (mlp_generator(), mlp_discriminator(), (784,), (100,), "gp"),
        "dcgan-28":      lambda: (dcgan_generator(28, 1, 64), dcgan_discriminator(28, 1, 64), (1, 28, 28), (100, 1, 1), "ns"),
        "dcgan-64":      lambda: (dcgan_generator(64, 3, 64), dcgan_discriminator(64, 3, 64), (3, 64, 64), (100, 1, 1), "ns"),
        "dcgan-64-gp":   lambda: (dcgan_generator(64, 3, 64), dcgan_discriminator(64, 3, 64, norm=False), (3, 64, 64), (100, 1, 1), "gp"),
        "sngan-resnet-32": lambda: (ResG(), ResD(), (3, 32, 32), (128,), "hinge"),
    }[name]()

def peak_rss_mib():
    """Of this program alone: getrusage also counts what the process was before it became this program."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))/1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024

def main():
    a = argparse.ArgumentParser(); a.add_argument("workloads", nargs="*"); a.add_argument("--compile", action="store_true"); a.add_argument("--threads", type=int); a.add_argument("--seconds", type=float, default=20); a.add_argument("--started-at", type=float, default=t0); a = a.parse_args()
    if a.threads: torch.set_num_threads(a.threads)
    for name in a.workloads or ["gan-mlp", "gan-mlp-gp", "dcgan-28", "dcgan-64", "dcgan-64-gp", "sngan-resnet-32"]:
        torch.manual_seed(0); G, D, shape, zshape, loss = build(name)
        if a.compile: G, D = torch.compile(G), torch.compile(D)
        adam = lambda m: torch.optim.Adam(m.parameters(), 2e-4, (.5, .999)); og, od = adam(G), adam(D)
        real = torch.rand(BATCH, *shape)*2-1; z = lambda: torch.randn(BATCH, *zshape); sp = F.softplus
        def step():
            fake = G(z()); od.zero_grad(); r, f = D(real).view(-1), D(fake.detach()).view(-1)
            if loss == "ns": l = sp(-r).mean()+sp(f).mean()
            elif loss == "hinge": l = F.relu(1-r).mean()+F.relu(1+f).mean()
            else:
                e = torch.rand(BATCH, *[1]*len(shape)); x = (e*real+(1-e)*fake.detach()).requires_grad_(True)
                g, = torch.autograd.grad(D(x).sum(), x, create_graph=True); l = f.mean()-r.mean()+10*((g.flatten(1).norm(2, 1)-1)**2).mean()
            l.backward(); od.step(); og.zero_grad(); f = D(fake).view(-1)
            (sp(-f).mean() if loss == "ns" else -f.mean()).backward(); og.step()
        step(); first = time.time()-a.started_at; step(); times, end = [], time.perf_counter()+a.seconds
        while time.perf_counter() < end and len(times) < 500:
            t = time.perf_counter(); step(); times.append(time.perf_counter()-t)
        times.sort(); count = lambda m: sum(p.numel() for p in m.parameters()); G.eval(); s = []
        with torch.no_grad():
            for _ in range(12): t = time.perf_counter(); G(z()); s.append(time.perf_counter()-t)
        print(json.dumps(dict(workload=name, peer="torch.compile" if a.compile else "torch-eager", version=torch.__version__, threads=torch.get_num_threads(), step_ms_median=round(times[len(times)//2]*1e3, 2), step_ms_min=round(times[0]*1e3, 2), steps=len(times), sample_images_per_s=round(BATCH/sorted(s)[6], 1), first_step_s=round(first, 3), peak_rss_mib=round(peak_rss_mib(), 1), generator_parameters=count(G), discriminator_parameters=count(D))), flush=True)
if __name__ == "__main__": main()
