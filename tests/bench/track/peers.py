"""Measures another tracker in the way in which `bench_track one` measures Besom: TARGET SCALARS CALLS PACE_US DIR.

Prints "ready" or "not installed", waits for a line, logs, prints "logged", and prints one JSON object. The loop ends
after three seconds.
"""
import importlib.util
import json
import os
import sys
import time


class Trackio:
    def __init__(self, folder):
        os.environ["TRACKIO_DIR"] = folder
        import trackio
        self.module = trackio
        trackio.init(project="bench", embed=False)

    def log(self, values, step):
        self.module.log(values, step=step)

    def finish(self):
        self.module.finish()


class Wandb:
    def __init__(self, folder):
        for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
            os.environ[name] = folder
        os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true")
        import wandb
        self.run = wandb.init(project="bench", dir=folder)

    def log(self, values, step):
        self.run.log(values, step=step)

    def finish(self):
        self.run.finish()


class TensorBoard:
    def __init__(self, folder):
        from torch.utils.tensorboard import SummaryWriter
        self.writer = SummaryWriter(folder)

    def log(self, values, step):
        for key, value in values.items():
            self.writer.add_scalar(key, value, step)

    def finish(self):
        self.writer.close()


PEERS = {"trackio": (Trackio, ["trackio"]), "wandb-offline": (Wandb, ["wandb"]),
         "tensorboard": (TensorBoard, ["torch", "tensorboard"])}


def durable(folder):
    """Syncs every file; returns their total size."""
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
                size += os.path.getsize(path)
    return size


def main():
    name, scalars, calls, pace, folder = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    peer, modules = PEERS[name]
    if not all(map(importlib.util.find_spec, modules)):
        print("not installed", flush=True)
        return
    peer = peer(folder)
    print("\nready", flush=True)
    sys.stdin.readline()
    keys = ["train/metric_%02d" % key for key in range(scalars)]
    taken, begun, cpu = [], time.perf_counter(), time.process_time()
    for step in range(calls):
        values = {key: step * 0.001 + index for index, key in enumerate(keys)}
        at = time.perf_counter_ns()
        peer.log(values, step)
        taken.append((time.perf_counter_ns() - at) / 1e3)
        if pace:
            time.sleep(pace / 1e6)
        if time.perf_counter() - begun > 3:
            break
    print("\nlogged", flush=True)
    peer.finish()
    size = durable(folder)
    seconds, cpu, points = time.perf_counter() - begun, time.process_time() - cpu, len(taken) * scalars
    taken.sort()
    at = lambda share: taken[int((len(taken) - 1) * share)]
    print("\n" + json.dumps({
        "us_mean": sum(taken) / len(taken), "us_p50": at(0.5), "us_p99": at(0.99), "us_p999": at(0.999), "points": points,
        "refused": 0, "seconds": seconds, "cpu_us": cpu * 1e6 / points, "bytes": size}, separators=(",", ":")), flush=True)
    os._exit(0)


main()
