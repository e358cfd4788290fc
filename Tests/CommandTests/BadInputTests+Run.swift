// SPDX-License-Identifier: Apache-2.0

/// What `run` does not take as a flag.
extension BadInputTests {
    static let runCases = [
        Case("run --trace t.json --no-timeline", 64, "--trace: there is nothing to write with --no-timeline"),
        Case("run extra", 64, "unexpected argument 'extra': only flags are allowed here"),
        Case("run --layres 3", 64, "unknown flag --layres; did you mean --layers?"),
        Case("run --layers", 64, "--layers: a value is missing"),
        Case("run --layers 0", 64, "--layers: '0' is not allowed; a whole number from 1 to 1024"),
        Case("run --layers -3", 64, "--layers: '-3' is not allowed; a whole number from 1 to 1024"),
        Case("run --layers=four", 64, "--layers: 'four' is not allowed; a whole number from 1 to 1024"),
        Case("run --layers=", 64, "--layers: '' is not allowed; a whole number from 1 to 1024"),
        Case(
            "run --dim 99999999999999999999", 64,
            "--dim: '99999999999999999999' is not allowed; a whole number from 1 to 65536"),
        Case("run --heads 0", 64, "--heads: '0' is not allowed; a whole number from 1 to 1024"),
        Case("run --dim 241", 64, "--heads: 4 heads do not divide --dim 241"),
        Case("run --vocab-size 1", 64, "--vocab-size: '1' is not allowed; a whole number from 2 to 16777216"),
        Case("run --seq-len 1.5", 64, "--seq-len: '1.5' is not allowed; a whole number from 1 to 65536"),
        Case("run --batch 0", 64, "--batch: '0' is not allowed; a whole number from 1 to 65536"),
        Case("run --stages 0", 64, "--stages: '0' is not allowed; a whole number from 1 to 256"),
        Case(
            "run --microbatches 3", 64,
            "--microbatches: a batch of 8 sequences cannot be split into 3 equal microbatches"),
        Case("run --stages 5", 64, "--stages: a uniform partition of 4 layers has at most 4 stages, not 5"),
        Case(
            "run --stages 11 --partition balanced", 64,
            "--stages: a balanced partition of 10 units has at most 10 stages, not 11"),
        Case(
            "run --schedule zb-v --stages 4", 64,
            "--stages: a uniform partition of 4 layers has at most 4 stages, not 8, which zb-v has on 4 ranks"),
        Case(
            "run --schedule interleaved --virtual-stages 3", 64,
            "--virtual-stages: a uniform partition of 4 layers has at most 4 stages, not 6 on 2 ranks; at most 2 a rank"
        ),
        Case(
            "run --schedule interleaved --virtual-stages 6 --partition balanced", 64,
            "--virtual-stages: a balanced partition of 10 units has at most 10 stages, not 12 on 2 ranks; at most 5 a rank"
        ),
        Case(
            "run --schedule interleaved --virtual-stages 2 --stages 5", 64,
            "--stages: a uniform partition of 4 layers has at most 4 stages, not 10"),
        Case(
            "run --schedule interleaved --virtual-stages 5 --stages 1", 64,
            "--virtual-stages: a uniform partition of 4 layers has at most 4 stages, not 5 on 1 rank; at most 4 a rank"),
        Case("run --layers 1", 64, "--stages: a uniform partition of 1 layer has at most 1 stage, not 2"),
        Case(
            "run --layers 1 --schedule interleaved", 64,
            "--virtual-stages: 1 layer on 2 ranks does not make whole stages of one layer each; give the number of stages a rank"
        ),
        Case("run --batch 1", 64, "--microbatches: a batch of 1 sequence cannot be split into 4 equal microbatches"),
        Case(
            "run --schedule gpipe --virtual-stages 2", 64,
            "--virtual-stages: gpipe runs one stage a rank, not 2; any number: interleaved, looped-bfs, interleaved-zb"),
        Case("run --schedule interleaved --waves 2", 64, "--waves: interleaved has none; hanayo has"),
        Case("run --schedule gpipe --waves 1", 64, "--waves: gpipe has none; hanayo has"),
        Case(
            "run --schedule hanayo --waves 2 --virtual-stages 2", 64,
            "--waves: 2 waves make 4 stages a rank, and --virtual-stages asks for 2"),
        Case(
            "run --schedule interleaved --layers 5", 64,
            "--virtual-stages: 5 layers on 2 ranks do not make whole stages of one layer each; give the number of "
                + "stages a rank"),
        Case(
            "run --schedule 2f2b", 64,
            "--schedule: '2f2b' is not allowed; gpipe, 1f1b, interleaved, chimera, eager-1f1b, looped-bfs, hanayo, zb-h1, zb-h2, interleaved-zb, zb-v, v-half, v-min, dualpipe, dualpipe-v, or a FILE.csv"
        ),
        Case(
            "run --transport gloo", 64,
            "--transport: 'gloo' is not allowed; threads, processes, sockets, unix, mpi, mpi-only"),
        Case("run --arch llama", 64, "--arch: 'llama' is not allowed; decoder, gpt"),
        Case("run --optimizer lion", 64, "--optimizer: 'lion' is not allowed; adam, sgd"),
        Case("run --pin 0,x", 64, "--pin: '0,x' is not allowed; auto, none or a list of CPUs such as 0,2,4"),
        Case("run --lr -0.1", 64, "--lr: '-0.1' is not allowed; a number from 0 on, at most 1000.0"),
        Case("run --lr 1e30", 64, "--lr: '1e30' is not allowed; a number from 0 on, at most 1000.0"),
        Case("run --lr nan", 64, "--lr: 'nan' is not allowed; a number from 0 on, at most 1000.0"),
        Case(
            "run --simd sse9", 64, "--simd: 'sse9' is not allowed; auto, portable, avx2, avx512"),
        Case(
            "run --gemm mkl", 64,
            "--gemm: 'mkl' is not allowed; builtin, openblas, or the path of a library with cblas_sgemm"),
        Case(
            "run --gemm FOLDER/none.so", 64,
            "--gemm: no library with cblas_sgemm: FOLDER/none.so: cannot open shared object file: No such file or "
                + "directory"),
        Case("run --gemm libm.so.6", 64, "--gemm: no library with cblas_sgemm: libm.so.6: has no cblas_sgemm"),
        Case("run --seed -1", 64, "--seed: '-1' is not allowed; a whole number from 0 to 9223372036854775807"),
        Case("run --dropout 1", 64, "--dropout: '1' is not allowed; at least 0 and below 1"),
        Case("run --dropout -0.1", 64, "--dropout: '-0.1' is not allowed; at least 0 and below 1"),
        Case("run --threads 0", 64, "--threads: '0' is not allowed; a whole number from 1 to 256"),
        Case("run --measure-steps 0", 64, "--measure-steps: '0' is not allowed; a whole number from 1 to 1000000"),
        Case("run --timeout 0", 64, "--timeout: '0' is not allowed; a number above 0, at most 86400.0"),
        Case("run --json=yes", 64, "--json: takes no value"),
        Case("run --json --emit-csv", 64, "--json: cannot be given together with --emit-csv"),
        Case(
            "run --data FOLDER/text --data-format utf8", 64,
            "--data-format: 'utf8' is not allowed; auto, bytes, u16, u32, llm.c"),
        Case("run --data-format u16", 64, "--data-format: there is no file without --data"),
        Case(
            "run --forward-only --save-grads FOLDER/g", 64,
            "--save-grads: there are no gradients with --forward-only"),
        Case("run --save=", 64, "--save: '' is not allowed; a file's path"),
    ]
}
