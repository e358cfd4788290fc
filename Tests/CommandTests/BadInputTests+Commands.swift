// SPDX-License-Identifier: Apache-2.0

/// What other commands do not take as a flag, and what is no command.
extension BadInputTests {
    static let commandCases = [
        Case("compare --trials 0", 64, "--trials: '0' is not allowed; a whole number from 1 to 1000"),
        Case("compare --json --csv", 64, "--json: cannot be given together with --csv"),
        Case(
            "compare --microbatches 3", 64,
            "--microbatches: a batch of 8 sequences cannot be split into 3 equal microbatches"),
        Case(
            "compare --schedule gpipe,gpipe", 64,
            "--schedule: 'gpipe,gpipe' is not allowed; each once, and gpipe stands twice"),
        Case(
            "compare --transport unix,threads,unix", 64,
            "--transport: 'unix,threads,unix' is not allowed; each once, and unix stands twice"),
        Case("verify --stages 1,1,1", 64, "--stages: '1,1,1' is not allowed; each once, and 1 stands twice"),
        Case("verify --threads 2,1,2", 64, "--threads: '2,1,2' is not allowed; each once, and 2 stands twice"),
        Case("verify --microbatches 4,4", 64, "--microbatches: '4,4' is not allowed; each once, and 4 stands twice"),
        Case("verify --arch gpt,gpt", 64, "--arch: 'gpt,gpt' is not allowed; each once, and gpt stands twice"),
        Case(
            "verify --partition uniform,uniform", 64,
            "--partition: 'uniform,uniform' is not allowed; each once, and uniform stands twice"),
        Case("sweep --procs 2,4,2", 64, "--procs: '2,4,2' is not allowed; each once, and 2 stands twice"),
        Case("sweep --layers 4,04", 64, "--layers: '4,04' is not allowed; each once, and 04 stands twice"),
        Case("sweep --heads 4,8,8", 64, "--heads: '4,8,8' is not allowed; each once, and 8 stands twice"),
        Case("sweep --dim 8,+8", 64, "--dim: '8,+8' is not allowed; each once, and +8 stands twice"),
        Case("sweep --microbatches=1,1", 64, "--microbatches: '1,1' is not allowed; each once, and 1 stands twice"),
        Case("sweep --preset study", 64, "--preset: 'study' is not allowed; none, reference"),
        Case("sweep --repeat 0", 64, "--repeat: '0' is not allowed; a whole number from 1 to 1000"),
        Case(
            "sweep --layers 4,x", 64,
            "--layers: '4,x' is not allowed; whole numbers separated by commas, each from 1 to 1024"),
        Case(
            "sweep --microbatches 4,", 64,
            "--microbatches: '4,' is not allowed; whole numbers separated by commas, each from 1 to 65536"),
        Case(
            "sweep --lr -1", 64,
            "--lr: '-1' is not allowed; numbers separated by commas, each from 0 on, at most 1000.0"),
        Case(
            "sweep --lr 1e-3,,1", 64,
            "--lr: '1e-3,,1' is not allowed; numbers separated by commas, each from 0 on, at most 1000.0"),
        Case(
            "sweep --lr nan,1", 64,
            "--lr: 'nan,1' is not allowed; numbers separated by commas, each from 0 on, at most 1000.0"),
        Case(
            "sweep --seed 1,-1", 64,
            "--seed: '1,-1' is not allowed; whole numbers separated by commas, each from 0 to 9223372036854775807"),
        Case("sweep --layer 4", 64, "unknown flag --layer; did you mean --layers?"),
        Case("sweep --out=", 64, "--out: '' is not allowed; a file's path"),
        Case("sweep --out -", 64, "--out: a sweep reads its file too, to go on with it; give a file's path, not '-'"),
        Case("sweep --csv x", 64, "unknown flag --csv; --help lists those there are"),
        Case("frobnicate", 64, "unknown command 'frobnicate'; ppthreads help lists those there are"),
        Case("rum", 64, "unknown command 'rum'; did you mean 'run'?"),
        Case(
            "verify --microbatches 5 --arch gpt --schedule gpipe --stages 2", 64,
            "--microbatches: nothing was compared: 0 equal, 0 different, 4 that do not fit"),
        Case(
            "verify --microbatches 5 --arch gpt --schedule gpipe --stages 2 --transport threads --partition uniform",
            64,
            "--microbatches: nothing was compared: 0 equal, 0 different, 1 that does not fit"),
        Case("verify --dropout nan", 64, "--dropout: 'nan' is not allowed; at least 0 and below 1"),
        Case("compare --data-format u16", 64, "--data-format: there is no file without --data"),
        Case("sweep --data-format u16", 64, "--data-format: there is no file without --data"),
        Case(
            "verify --microbatches 4,x", 64,
            "--microbatches: '4,x' is not allowed; whole numbers separated by commas, each from 1 to 65536"),
        Case(
            "verify --transport rings", 64,
            "--transport: 'rings' is not allowed; names separated by commas, each once, out of: threads, processes, sockets, "
                + "unix, mpi, mpi-only"),
        Case(
            "verify --stages 100 --arch gpt --schedule gpipe --microbatches 3", 64,
            "--stages: nothing was compared: 0 equal, 0 different, 4 that do not fit"),
        Case("analyze", 64, "a CSV of results has to come first: ppthreads analyze FILE [flags]"),
        Case("analyze --html page.html", 64, "a CSV of results has to come first: ppthreads analyze FILE [flags]"),
        Case("help nope", 64, "unknown command 'nope'; ppthreads help lists those there are"),
        Case("help words buble", 64, "help words: 'buble' is none; did you mean 'bubble'?"),
        Case("help words quark", 64, "help words: 'quark' is none; ppthreads help words has all"),
        Case("help words bubble work", 64, "unexpected argument 'work' after bubble"),
        Case("run --log --json", 64, "--log: a value is missing before --json"),
        Case("run --lr --save x", 64, "--lr: a value is missing before --save"),
        Case("help run extra", 64, "unexpected argument 'extra' after run"),
        Case("--version x", 64, "unexpected argument 'x' after --version"),
        Case(
            "sweep --seed \((0..<101).map(String.init).joined(separator: ",")) --layers 1,2,3,4,5,6,7,8,9,10 --dim "
                + "\((1...10).map { String(8 * $0) }.joined(separator: ",")) --schedule gpipe --dry-run", 64,
            "the lists make 10 100 combinations; at most 10 000 are allowed: give shorter lists, or several sweeps with one --out"
        ),
        Case("analyze FOLDER/bad.csv --page", 64, "unknown flag --page; --help lists those there are"),
        Case("completions", 64, "a shell has to come first: bash, zsh, fish"),
        Case("completions csh", 64, "'csh' is not allowed; one shell is: bash, zsh, fish"),
        Case("completions bash zsh", 64, "'bash zsh' is not allowed; one shell is: bash, zsh, fish"),
        Case("manual run", 64, "unexpected argument 'run': manual takes none"),
        Case("doctor --all", 64, "unknown flag --all: doctor takes none"),
    ]
}
