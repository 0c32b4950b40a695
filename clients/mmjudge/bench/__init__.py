"""Is this judge any good: calibration, benchmarks and their reports; needs `mmjudge[bench]`."""
