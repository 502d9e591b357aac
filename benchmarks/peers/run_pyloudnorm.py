"""Integrated loudness and loudness range by pyloudnorm, of an array of samples × channels in an `.npy` file."""

import json
import sys
import time

import numpy as np
import pyloudnorm

samples = np.load(sys.argv[1])
meter = pyloudnorm.Meter(int(sys.argv[2]))
wall, cpu = time.perf_counter(), time.process_time()
integrated, loudness_range = meter.integrated_loudness(samples), meter.loudness_range(samples)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({"wall": wall, "cpu": cpu, "integrated": float(integrated), "range": float(loudness_range)}))
