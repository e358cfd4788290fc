import Foundation
import Testing

struct BadInputTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let arguments: String
        let code: Int32
        /// The whole line after `ppthreads ...: `.
        let line: String
        var testDescription: String { arguments }
        init(_ arguments: String, _ code: Int32, _ line: String) {
            self.arguments = arguments
            self.code = code
            self.line = line
        }
    }

    static let cases = [
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
        Case(
            "compare --html /no/folder/page.html", 65,
            "/no/folder/page.html: cannot be written: its folder: ENOENT (No such file or directory)"),
        Case("sweep --preset study", 64, "--preset: 'study' is not allowed; none, reference"),
        Case("sweep --repeat 0", 64, "--repeat: '0' is not allowed; a whole number from 1 to 1000"),
        Case(
            "sweep --layers 4,x", 64,
            "--layers: '4,x' is not allowed; whole numbers separated by commas, each from 1 to 1024"),
        Case(
            "sweep --microbatches 4,", 64,
            "--microbatches: '4,' is not allowed; whole numbers separated by commas, each from 1 to 65536"),
        Case("sweep --lr 0", 64, "--lr: '0' is not allowed; numbers separated by commas, each above 0, at most 1000.0"),
        Case(
            "sweep --lr 1e-3,,1", 64,
            "--lr: '1e-3,,1' is not allowed; numbers separated by commas, each above 0, at most 1000.0"),
        Case(
            "sweep --lr nan,1", 64,
            "--lr: 'nan,1' is not allowed; numbers separated by commas, each above 0, at most 1000.0"),
        Case(
            "sweep --seed 1,-1", 64,
            "--seed: '1,-1' is not allowed; whole numbers separated by commas, each from 0 to 9223372036854775807"),
        Case("sweep --layer 4", 64, "unknown flag --layer; did you mean --layers?"),
        Case("sweep --out=", 64, "--out: '' is not allowed; a file's path"),
        Case(
            "sweep --out /no/folder/results.csv", 65,
            "/no/folder/results.csv: cannot be written: its folder: ENOENT (No such file or directory)"),
        Case("sweep --out FOLDER", 65, "FOLDER: cannot be written: open: EISDIR (Is a directory)"),
        Case("sweep --out /dev/null", 65, "/dev/null: cannot be written: it is no regular file"),
        Case(
            "sweep --out FOLDER/text", 65,
            "FOLDER/text: is no file of this version's results: its column 1 is 'A\u{FFFD}B', not 'schedule'"),
        Case(
            "sweep --data FOLDER/missing", 65,
            "FOLDER/missing: cannot be read: open: ENOENT (No such file or directory)"),
        Case("run --trace t.json --no-timeline", 64, "--trace: there is nothing to write with --no-timeline"),
        Case(
            "run --trace /no/folder/t.json", 65,
            "/no/folder/t.json: cannot be written: its folder: ENOENT (No such file or directory)"),
        Case("sweep --csv x", 64, "unknown flag --csv; --help lists those there are"),
        Case("frobnicate", 64, "unknown command 'frobnicate'; ppthreads help lists those there are"),
        Case("rum", 64, "unknown command 'rum'; did you mean 'run'?"),
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
            "verify --microbatches 5 --arch gpt --schedule gpipe --stages 2", 64,
            "--microbatches: nothing was compared: 0 equal, 0 different, 4 that do not fit"),
        Case(
            "verify --microbatches 5 --arch gpt --schedule gpipe --stages 2 --transport threads --partition uniform",
            64,
            "--microbatches: nothing was compared: 0 equal, 0 different, 1 that does not fit"),
        Case(
            "run --schedule gpipe --virtual-stages 2", 64,
            "--virtual-stages: gpipe runs one stage a rank; several need interleaved"),
        Case(
            "run --schedule interleaved --layers 5", 64,
            "--virtual-stages: 5 layers on 2 ranks do not make whole stages of one layer each; give the number of "
                + "stages a rank"),
        Case("run --schedule 2f2b", 64, "--schedule: '2f2b' is not allowed; gpipe, 1f1b, interleaved, zb-h1"),
        Case("run --transport gloo", 64, "--transport: 'gloo' is not allowed; threads, processes, sockets, unix"),
        Case("run --arch llama", 64, "--arch: 'llama' is not allowed; decoder, gpt"),
        Case("run --optimizer lion", 64, "--optimizer: 'lion' is not allowed; adam, sgd"),
        Case("run --pin 0,x", 64, "--pin: '0,x' is not allowed; auto, none or a list of CPUs such as 0,2,4"),
        Case("run --lr 0", 64, "--lr: '0' is not allowed; a number above 0, at most 1000.0"),
        Case("run --lr nan", 64, "--lr: 'nan' is not allowed; a number above 0, at most 1000.0"),
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
        Case("verify --dropout nan", 64, "--dropout: 'nan' is not allowed; at least 0 and below 1"),
        Case("run --threads 0", 64, "--threads: '0' is not allowed; a whole number from 1 to 256"),
        Case("run --measure-steps 0", 64, "--measure-steps: '0' is not allowed; a whole number from 1 to 1000000"),
        Case("run --timeout 0", 64, "--timeout: '0' is not allowed; a number above 0, at most 86400.0"),
        Case("run --json=yes", 64, "--json: takes no value"),
        Case("run --json --emit-csv", 64, "--json: cannot be given together with --emit-csv"),
        Case(
            "run --data FOLDER/missing", 65, "FOLDER/missing: cannot be read: open: ENOENT (No such file or directory)"),
        Case("run --data FOLDER", 65, "FOLDER: is a folder; a regular file is needed, to be read at any place"),
        Case("run --data FOLDER/empty", 65, "FOLDER/empty: holds no tokens"),
        Case("run --data FOLDER/odd.bin", 65, "FOLDER/odd.bin: has 3 bytes, which is no whole number of 16-bit tokens"),
        Case(
            "run --data FOLDER/text --vocab-size 100", 65,
            "FOLDER/text: token 200 at position 1 is outside the vocabulary of 100"),
        Case(
            "run --data FOLDER/odd.bin --data-format u32", 65,
            "FOLDER/odd.bin: has 3 bytes, which is no whole number of 32-bit tokens"),
        Case(
            "run --data FOLDER/text --data-format utf8", 64,
            "--data-format: 'utf8' is not allowed; auto, bytes, u16, u32, llm.c"),
        Case("run --data-format u16", 64, "--data-format: there is no file without --data"),
        Case("compare --data-format u16", 64, "--data-format: there is no file without --data"),
        Case("sweep --data-format u16", 64, "--data-format: there is no file without --data"),
        Case(
            "run --data FOLDER/text --data-format llm.c", 65,
            "FOLDER/text: has no llm.c header: it should start with the number 20240520 or 20240801"),
        Case(
            "run --data FOLDER/m.pt", 65,
            "FOLDER/m.pt: is a zip (PyTorch): weights are for --init, which reads safetensors; --data-format reads it as it is"
        ),
        Case(
            "compare --data FOLDER/m.pt", 65,
            "FOLDER/m.pt: is a zip (PyTorch): weights are for --init, which reads safetensors; --data-format reads it as it is"
        ),
        Case(
            "run --init FOLDER/m.pt", 65,
            "FOLDER/m.pt: is not a safetensors file, but a zip (PyTorch): safetensors.torch.save_file makes one of the "
                + "state_dict that torch.load gives"),
        Case(
            "run --init FOLDER/text16", 65,
            "FOLDER/text16: is not a safetensors file: its header is said to be 8583909746840200552 bytes, the file has 16"
        ),
        Case(
            "run --init FOLDER/twice", 65,
            "FOLDER/twice: its safetensors header is not the JSON object that it should be: the key w stands twice"),
        Case("run --init FOLDER/trailing", 65, "FOLDER/trailing: 4 bytes after the last tensor belong to no tensor"),
        Case(
            "run --init FOLDER/missing", 65, "FOLDER/missing: cannot be read: open: ENOENT (No such file or directory)"),
        Case("run --init FOLDER/odd.bin", 65, "FOLDER/odd.bin: has 3 bytes, too few for a safetensors file"),
        Case(
            "run --init FOLDER/lies", 65,
            "FOLDER/lies: tensor w of shape [4] takes 16 bytes, the header gives it 8"),
        Case(
            "run --init FOLDER/truncated", 65,
            "FOLDER/truncated: tensor w lies at [0, 8], outside the file's 4 bytes of data"),
        Case("run --init FOLDER/other", 65, "FOLDER/other: has no tensor tok_embeddings.weight"),
        Case(
            "run --save FOLDER/no/such", 65,
            "FOLDER/no/such: cannot be written: its folder: ENOENT (No such file or directory)"),
        Case("run --save-grads FOLDER", 65, "FOLDER: cannot be written: it is a folder"),
        Case(
            "run --forward-only --save-grads FOLDER/g", 64,
            "--save-grads: there are no gradients with --forward-only"),
        Case("run --save=", 64, "--save: '' is not allowed; a file's path"),
        Case(
            "verify --microbatches 4,x", 64,
            "--microbatches: '4,x' is not allowed; whole numbers separated by commas, each from 1 to 65536"),
        Case(
            "verify --transport rings", 64,
            "--transport: 'rings' is not allowed; names separated by commas, each once, out of: threads, processes, sockets, "
                + "unix"),
        Case(
            "verify --stages 100 --arch gpt --schedule gpipe --microbatches 3", 64,
            "--stages: nothing was compared: 0 equal, 0 different, 4 that do not fit"),
        Case("analyze", 64, "a CSV of results has to come first: ppthreads analyze FILE [flags]"),
        Case("analyze --html page.html", 64, "a CSV of results has to come first: ppthreads analyze FILE [flags]"),
        Case("help nope", 64, "unknown command 'nope'; ppthreads help lists those there are"),
        Case("help run extra", 64, "unexpected argument 'extra' after run"),
        Case("--version x", 64, "unexpected argument 'x' after --version"),
        Case(
            "run --data /dev/null", 65,
            "/dev/null: is a character device; a regular file is needed, to be read at any place"),
        Case(
            "sweep --seed \((0..<101).map(String.init).joined(separator: ",")) --layers 1,2,3,4,5,6,7,8,9,10 --dim "
                + "\((1...10).map { String(8 * $0) }.joined(separator: ",")) --schedule gpipe --dry-run", 64,
            "the lists make 10 100 combinations; at most 10 000 are allowed: give shorter lists, or several sweeps with one --out"
        ),
        Case("analyze FOLDER/bad.csv --page", 64, "unknown flag --page; --help lists those there are"),
        Case(
            "analyze FOLDER/missing", 65, "FOLDER/missing: cannot be read: open: ENOENT (No such file or directory)"),
        Case("analyze FOLDER/empty", 65, "FOLDER/empty: is empty; a results CSV has a header"),
        Case("analyze FOLDER/header.csv", 65, "FOLDER/header.csv: has a header and no rows"),
        Case(
            "analyze FOLDER/columns.csv", 65,
            "FOLDER/columns.csv: has no column world_size (or Processes), heads, avg_step_time_s (or Average Step Time (s)); "
                + "a results CSV has them"),
        Case(
            "analyze FOLDER/bad.csv", 65,
            "FOLDER/bad.csv: no row can be used; row 2: layers is 'four', not a whole number from 1 to 2147483647, and "
                + "1 more row cannot be used either"),
        Case("analyze FOLDER/semicolons.csv", 65, "FOLDER/semicolons.csv: has ';' between its values; \(commas)"),
        Case("analyze FOLDER/tabs.csv", 65, "FOLDER/tabs.csv: has tabs between its values; \(commas)"),
        Case("sweep --out FOLDER/semicolons.csv", 65, "FOLDER/semicolons.csv: has ';' between its values; \(commas)"),
        Case("sweep --out FOLDER/tabs.csv", 65, "FOLDER/tabs.csv: has tabs between its values; \(commas)"),
        Case("analyze FOLDER/returns.csv", 65, "FOLDER/returns.csv: \(returns)"),
        Case("sweep --out FOLDER/returns.csv", 65, "FOLDER/returns.csv: \(returns)"),
        Case(
            "analyze FOLDER/doubled.csv", 65,
            "FOLDER/doubled.csv: has two columns tokens_per_s; which one counts is not told"),
        Case(
            "analyze FOLDER/utf16.csv", 65,
            "FOLDER/utf16.csv: is UTF-16 text, or no text at all; a results CSV is UTF-8"),
        Case(
            "sweep --out FOLDER/utf16.csv", 65,
            "FOLDER/utf16.csv: is UTF-16 text, or no text at all; a results CSV is UTF-8"),
        Case(
            "analyze FOLDER/bad.csv --svg FOLDER/none", 65,
            "FOLDER/none: cannot be written: stat: ENOENT (No such file or directory)"),
        Case(
            "analyze FOLDER/bad.csv --png FOLDER/none", 65,
            "FOLDER/none: cannot be written: stat: ENOENT (No such file or directory)"),
        Case(
            "analyze FOLDER/bad.csv --summary FOLDER/none/s.csv", 65,
            "FOLDER/none/s.csv: cannot be written: its folder: ENOENT (No such file or directory)"),
        Case("doctor --all", 64, "unknown flag --all: doctor takes none"),
    ]

    private static let commas = "a results CSV has ',' there, and '.' in its numbers"
    private static let returns = "has lines that end with CR alone; those of a results CSV end with LF or CRLF"

    private func folder() throws -> Folder {
        let folder = try Folder()
        func header(_ text: String) -> [UInt8] {
            (0..<8).map { $0 == 0 ? UInt8(text.utf8.count) : 0 } + Array(text.utf8)
        }
        _ = try folder.file("empty", [])
        _ = try folder.file("odd.bin", [1, 2, 3])
        _ = try folder.file("text", [65, 200, 66])
        let columns = "schedule,world_size,layers,heads,tokens_per_s,avg_step_time_s\n"
        _ = try folder.file("header.csv", Array(columns.utf8))
        let row = columns + "gpipe,2,4,4,1,1\n"
        _ = try folder.file("semicolons.csv", Array(row.replacing(",", with: ";").utf8))
        _ = try folder.file("tabs.csv", Array(row.replacing(",", with: "\t").utf8))
        _ = try folder.file("returns.csv", Array(row.replacing("\n", with: "\r").utf8))
        _ = try folder.file("doubled.csv", Array(row.replacing("_s,", with: "_s,tokens_per_s,").utf8))
        _ = try folder.file("utf16.csv", [0xFF, 0xFE] + row.replacing("\n", with: "\r\n").utf8.flatMap { [$0, 0] })
        _ = try folder.file("columns.csv", Array("schedule,layers,tokens_per_s\ngpipe,4,1\n".utf8))
        _ = try folder.file("bad.csv", Array("\(columns)gpipe,2,four,4,1,1\ngpipe,2\n".utf8))
        let good = #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        _ = try folder.file("lies", header(good.replacing("[2]", with: "[4]")) + Array(repeating: 0, count: 8))
        _ = try folder.file("truncated", header(good) + [0, 0, 0, 0])
        _ = try folder.file("m.pt", Array("PK\u{3}\u{4}m/data.pkl".utf8))
        _ = try folder.file("text16", Array("hello, world 123".utf8))
        _ = try folder.file("trailing", header(good) + Array(repeating: 0, count: 12))
        _ = try folder.file(
            "twice", header(good.replacing("}}", with: "},\(good.dropFirst())")) + Array(repeating: 0, count: 8))
        _ = try folder.file("other", header(good) + Array(repeating: 0, count: 8))
        return folder
    }

    @Test("wrong input gets one line that says what is allowed, and its exit code", arguments: cases)
    func wrongInput(example: Case) throws {
        let folder = try folder()
        let arguments = example.arguments.replacing("FOLDER", with: folder.url.path)
        let outcome = try Command.run(arguments.split(separator: " ").map(String.init))
        #expect(outcome.code == example.code)
        #expect(outcome.output.isEmpty || example.arguments.hasPrefix("verify"))
        let commands = ["compare", "sweep", "analyze", "run", "verify", "doctor"]
        let command = commands.first { "\(example.arguments) ".hasPrefix($0 + " ") }.map { " \($0)" } ?? ""
        let line = example.line.replacing("FOLDER", with: folder.url.path)
        #expect(outcome.errors == "ppthreads\(command): \(line)\n")
    }

    @Test("sizes that no machine has are refused before anything is mapped") func hugeSizes() throws {
        for arguments in [
            [
                "--dim", "65536", "--layers", "1024", "--vocab-size", "16000000", "--seq-len", "65536", "--batch",
                "65536",
            ],
            ["--dim", "65536", "--ffn", "262144"],
            ["--batch", "65536", "--microbatches", "1", "--seq-len", "65536"],
        ] {
            let outcome = try Command.run(["run"] + arguments)
            #expect(outcome.code == 64)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.errors.hasPrefix("ppthreads run: --dim: the model and its activations need "))
        }
    }

    @Test(
        "a sweep of which nothing fits says of how many, one or several",
        arguments: [("gpipe", "1 combination"), ("gpipe,1f1b", "2 combinations")])
    func nothingFits(schedules: String, count: String) throws {
        let outcome = try Command.run("sweep", "--layers", "1", "--schedule", schedules)
        #expect(outcome.code == 64 && outcome.errorLines.last == "ppthreads sweep: none of \(count) fits together")
    }

    @Test("a CPU that may not be used is refused with those that may") func foreignCPU() throws {
        let outcome = try Command.run("run", "--pin", "1023")
        #expect(outcome.code == 64)
        #expect(outcome.errors.hasPrefix("ppthreads run: --pin: CPU 1023 is not one this program may use; allowed: "))
    }

    @Test("a /dev/shm that is too small is told of, with what it has left", .enabled(if: SmallSharedMemory.isPossible))
    func smallSharedMemory() throws {
        let outcome = try Command.run(["run", "--transport", "processes"], through: SmallSharedMemory.launcher)
        #expect(outcome.code == 64)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.errors.hasPrefix("ppthreads run: --transport: processes needs "))
        #expect(outcome.errors.contains(" of /dev/shm, which has 16.0 KiB left: "))
    }

    @Test("a reader that goes away early ends the command with one line, not with a signal") func closedOutput() throws
    {
        let outcome = try Command.run(
            ["help"], through: ["/bin/sh", "-c", "exec 1>/dev/full; exec \"$0\" \"$@\""])
        #expect(outcome.code == 70)
        #expect(
            outcome.errors
                == "ppthreads: standard output could not be written: write: ENOSPC (No space left on device)\n")
    }

    @Test("an argument that is not UTF-8 is refused instead of being taken for another one", arguments: [1, 2, 4])
    func notUTF8(place: Int) throws {
        let folder = try Folder()
        // A byte that starts nothing, in the place of one of the words.
        let words = ["run", "--save", "weights", "--trace", "t"].map { "'\($0)'" }
        let bad = words.enumerated().map { $0.offset == place - 1 ? #""$(printf 'a\377')""# : $0.element }
        let outcome = try Command.run(
            [],
            through: ["/bin/sh", "-c", "cd \"$1\" && exec \"$2\" \(bad.joined(separator: " "))", "sh", folder.url.path])
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        #expect(
            outcome.errors
                == "ppthreads: argument \(place), 'a\u{FFFD}', is not UTF-8; only text in UTF-8 is allowed\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    @Test("in a folder whose name is not UTF-8, files are written all the same") func folderNotUTF8() throws {
        let folder = try Folder()
        let script = #"cd "$1" && d="$(printf 'a\377')" && mkdir "$d" && cd "$d" && shift && "$@" && mv w ../x"#
        let outcome = try Command.run(
            ["run", "--save", "w"] + tiny, through: ["/bin/sh", "-c", script, "sh", folder.url.path])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(FileManager.default.fileExists(atPath: folder.path("x")))

        // A link's text is taken for what it is, not for another path.
        let link = #"cd "$1" && ln -s "$(printf 'a\377/t')" l && shift && exec "$@""#
        let linked = try Command.run(
            ["run", "--save", "l"] + tiny, through: ["/bin/sh", "-c", link, "sh", folder.url.path])
        #expect(linked.code == 65 && linked.errors.contains("l: cannot be written: a link to a path that is not UTF-8"))
    }

    @Test("in a folder whose path is longer than a path may be, files are written all the same") func deepFolder()
        throws
    {
        let folder = try Folder()
        let name = String(repeating: "d", count: 200)
        let script = """
            cd "$1" && n=0 && while [ $n -lt 25 ]; do mkdir \(name) && cd \(name) || exit 1; n=$((n + 1)); done
            shift && "$@" && test -s w && rm w && n=0 && while [ $n -lt 25 ]; do cd .. && rmdir \(name); n=$((n + 1)); done
            """
        let outcome = try Command.run(
            ["run", "--save", "w"] + tiny, through: ["/bin/bash", "-c", script, "sh", folder.url.path])
        #expect(outcome.code == 0, "\(outcome.errors)")
    }
}

/// A mount namespace of its own for a command, in which /dev/shm has four pages.
private enum SmallSharedMemory {
    static let launcher = [
        "/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c",
        "mount -t tmpfs -o size=16k tmpfs /dev/shm && exec \"$0\" \"$@\"",
    ]
    /// Some containers allow no namespaces.
    static let isPossible = (try? Command.run(["--version"], through: launcher).code) == 0
}
