// SPDX-License-Identifier: Apache-2.0

/// Files that cannot be read or written, or are something else.
extension BadInputTests {
    static let fileCases = [
        Case(
            "compare --html /no/folder/page.html", 65,
            "/no/folder/page.html: cannot be written: its folder: ENOENT (No such file or directory)"),
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
        Case(
            "run --trace /no/folder/t.json", 65,
            "/no/folder/t.json: cannot be written: its folder: ENOENT (No such file or directory)"),
        Case(
            "run --data FOLDER/missing", 65, "FOLDER/missing: cannot be read: open: ENOENT (No such file or directory)"),
        Case("run --data FOLDER", 65, "FOLDER: is a folder; a regular file is needed, to be read at any offset"),
        Case("run --data FOLDER/empty", 65, "FOLDER/empty: holds no tokens"),
        Case("run --data FOLDER/odd.bin", 65, "FOLDER/odd.bin: has 3 bytes, which is no whole number of 16-bit tokens"),
        Case(
            "run --data FOLDER/text --vocab-size 100", 65,
            "FOLDER/text: token 200 at position 1 is outside the vocabulary of 100"),
        Case(
            "run --data FOLDER/odd.bin --data-format u32", 65,
            "FOLDER/odd.bin: has 3 bytes, which is no whole number of 32-bit tokens"),
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
            "run --data /dev/null", 65,
            "/dev/null: is a character device; a regular file is needed, to be read at any offset"),
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
    ]

    private static let commas = "a results CSV has ',' there, and '.' in its numbers"
    private static let returns = "has lines that end with CR alone; those of a results CSV end with LF or CRLF"
}
