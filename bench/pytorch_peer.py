"""The peers to beat: the same training steps in PyTorch, one JSON line each.

    python3 -m venv .venv && .venv/bin/pip install torch numpy
    .venv/bin/python pytorch_peer.py [--tuned] [--bf16] [--compile] [--threads N] [WORKLOAD ...]

Losses are those of the first and of the last step. Peak memory is the process's maximum resident set in MiB, and the first
step's time counts from --started-at (or from here) with all imports, so run one workload a process to read them.
"""
import argparse, json, resource, time
t0 = time.time()
import torch
import pytorch_biggan, pytorch_cyclegan, pytorch_pggan, pytorch_pix2pix, pytorch_sagan, pytorch_text, pytorch_two_player
from pytorch_settings import Settings

SYSTEMS = {name: lambda settings, name=name: pytorch_two_player.System(settings, name) for name in pytorch_two_player.WORKLOADS}
SYSTEMS |= {"sagan-32": pytorch_sagan.System, "biggan-32": pytorch_biggan.System, "pggan-32": pytorch_pggan.System,
            "cyclegan-64": pytorch_cyclegan.System, "pix2pix-64": pytorch_pix2pix.System, "lstm-text": pytorch_text.System}

def peak_rss_mib():
    """Of this program alone: getrusage also counts what the process was before it became this program."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))/1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024

def measure(name, settings, seconds, started_at):
    torch.manual_seed(0)
    system = SYSTEMS[name](settings)
    begun = system.step()
    first = time.time()-started_at
    done, times, end = system.step(), [], time.perf_counter()+seconds
    while time.perf_counter() < end and len(times) < 500:
        t = time.perf_counter(); done = system.step(); times.append(time.perf_counter()-t)
    times.sort(); samplings = []
    for network in system.networks.values(): network.eval()
    with torch.no_grad(), settings.half():
        for _ in range(12): t = time.perf_counter(); system.sample(); samplings.append(time.perf_counter()-t)
    return dict(workload=name, peer=settings.peer, version=torch.__version__, threads=torch.get_num_threads(),
                step_ms_median=round(times[len(times)//2]*1e3, 2), step_ms_min=round(times[0]*1e3, 2), steps=len(times),
                sample_images_per_s=round(system.samples/sorted(samplings)[6], 1), first_step_s=round(first, 3),
                peak_rss_mib=round(peak_rss_mib(), 1),
                parameters={name: sum(p.numel() for p in m.parameters()) for name, m in system.networks.items()},
                losses={name: [begun[name].item(), done[name].item()] for name in done})

def main():
    a = argparse.ArgumentParser()
    a.add_argument("workloads", nargs="*")
    for flag in ["--tuned", "--bf16", "--compile"]: a.add_argument(flag, action="store_true")
    a.add_argument("--threads", type=int)
    a.add_argument("--seconds", type=float, default=20)
    a.add_argument("--started-at", type=float, default=t0)
    a = a.parse_args()
    if a.threads: torch.set_num_threads(a.threads)
    for name in a.workloads or SYSTEMS:
        settings = Settings(a.tuned, a.bf16, a.compile)
        print(json.dumps(measure(name, settings, a.seconds, a.started_at)), flush=True)

if __name__ == "__main__": main()
