"""The Fréchet distance of two feature matrices as pytorch-fid computes it, in NumPy and SciPy, timed.

Prints one line of JSON. Loading the files and importing the libraries are not counted.
"""

import argparse
import json
import time


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("real")
    parser.add_argument("generated")
    arguments = parser.parse_args()

    import numpy as np
    import scipy.linalg

    real, generated = np.load(arguments.real), np.load(arguments.generated)
    start = time.perf_counter()
    mean_real, mean_generated = real.mean(axis=0), generated.mean(axis=0)
    cov_real, cov_generated = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    moments = time.perf_counter() - start
    root = scipy.linalg.sqrtm(cov_real @ cov_generated)
    if not np.isfinite(root).all():
        offset = np.eye(len(root)) * 1e-6
        root = scipy.linalg.sqrtm((cov_real + offset) @ (cov_generated + offset))
    shift = mean_real - mean_generated
    distance = shift @ shift + np.trace(cov_real) + np.trace(cov_generated) - 2 * np.trace(root.real)
    total = time.perf_counter() - start
    versions = f"NumPy {np.__version__}, SciPy {scipy.__version__}"
    print(json.dumps(dict(version=versions, distance=float(distance), moments_s=moments, total_s=total)))


if __name__ == "__main__":
    main()
