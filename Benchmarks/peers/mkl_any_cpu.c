// SPDX-License-Identifier: Apache-2.0

// MKL asks itself whether the CPU is Intel's, and where it is not it multiplies with AVX2 even if the CPU has AVX-512.
// Loaded before PyTorch's libraries (LD_PRELOAD), this answer replaces MKL's own. compare_torch.py --mkl any-cpu builds it.
int mkl_serv_intel_cpu_true(void) { return 1; }
