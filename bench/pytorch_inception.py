"""The peer's side of the feature extractor: Inception-v3 as FID uses it, in PyTorch, one JSON line.

    python3 -m venv .venv && .venv/bin/pip install torch numpy && .venv/bin/python pytorch_inception.py [--threads N] [--batch N]

Random weights: only the time is of interest. Evaluation mode, no gradients, images of 299 x 299, pool3 and logits.
"""
import argparse, json, time
t0 = time.time()
import torch, torch.nn as nn, torch.nn.functional as F
from pytorch_peer import peak_rss_mib

class Unit(nn.Module):
    def __init__(s, i, o, k, **how):
        super().__init__(); s.conv = nn.Conv2d(i, o, k, bias=False, **how); s.bn = nn.BatchNorm2d(o, eps=.001)
    def forward(s, x): return F.relu(s.bn(s.conv(x)), inplace=True)

class Branches(nn.Module):
    def __init__(s, *ways): super().__init__(); s.ways = nn.ModuleList(ways)
    def forward(s, x): return torch.cat([way(x) for way in s.ways], 1)

S = nn.Sequential
point = lambda i, o: Unit(i, o, 1)
three = lambda i, o: Unit(i, o, 3, padding=1)
halving = lambda i, o: Unit(i, o, 3, stride=2)
row = lambda i, o, n: Unit(i, o, (1, n), padding=(0, n//2))
column = lambda i, o, n: Unit(i, o, (n, 1), padding=(n//2, 0))
mean = lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False)
largest = lambda: nn.MaxPool2d(3, 2)

def a(i, pooled): return Branches(point(i, 64), S(point(i, 48), Unit(48, 64, 5, padding=2)), S(point(i, 64), three(64, 96), three(96, 96)), S(mean(), point(i, pooled)))
def b(i): return Branches(halving(i, 384), S(point(i, 64), three(64, 96), halving(96, 96)), largest())
def c(i, m): return Branches(point(i, 192), S(point(i, m), row(m, m, 7), column(m, 192, 7)), S(point(i, m), column(m, m, 7), row(m, m, 7), column(m, m, 7), row(m, 192, 7)), S(mean(), point(i, 192)))
def d(i): return Branches(S(point(i, 192), halving(192, 320)), S(point(i, 192), row(192, 192, 7), column(192, 192, 7), halving(192, 192)), largest())
def cross(): return Branches(row(384, 384, 3), column(384, 384, 3))
def e(i, pool): return Branches(point(i, 320), S(point(i, 384), cross()), S(point(i, 448), three(448, 384), cross()), S(pool, point(i, 192)))

class Inception(nn.Module):
    def __init__(s):
        super().__init__(); s.fc = nn.Linear(2048, 1008)
        s.maps = S(halving(3, 32), Unit(32, 32, 3), three(32, 64), largest(), point(64, 80), Unit(80, 192, 3), largest(), a(192, 32), a(256, 64), a(288, 64), b(288), c(768, 128), c(768, 160), c(768, 160), c(768, 192), d(768), e(1280, mean()), e(2048, nn.MaxPool2d(3, 1, 1)))
    def forward(s, x):
        if x.shape[2:] != (299, 299): x = F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False)
        features = s.maps(2*x-1).mean((2, 3)); return features, s.fc(features)

def main():
    p = argparse.ArgumentParser(); p.add_argument("--threads", type=int); p.add_argument("--batch", type=int, default=32); p.add_argument("--side", type=int, default=299); p.add_argument("--seconds", type=float, default=20); p.add_argument("--started-at", type=float, default=t0); p = p.parse_args()
    if p.threads: torch.set_num_threads(p.threads)
    torch.manual_seed(0); net = Inception().eval(); images = torch.rand(p.batch, 3, p.side, p.side); times = []
    with torch.no_grad():
        net(images); first = time.time()-p.started_at; net(images); end = time.perf_counter()+p.seconds
        while time.perf_counter() < end: t = time.perf_counter(); net(images); times.append(time.perf_counter()-t)
    times.sort(); print(json.dumps(dict(peer="torch-eager", version=torch.__version__, threads=torch.get_num_threads(), batch=p.batch, batch_ms_median=round(times[len(times)//2]*1e3, 2), batch_ms_min=round(times[0]*1e3, 2), batches=len(times), first_batch_s=round(first, 3), peak_rss_mib=round(peak_rss_mib(), 1), parameters=sum(t.numel() for t in net.state_dict().values() if t.is_floating_point()))), flush=True)
if __name__ == "__main__": main()
