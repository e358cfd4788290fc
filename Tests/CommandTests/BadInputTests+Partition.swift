// SPDX-License-Identifier: Apache-2.0

/// Cuts that nobody can make.
extension BadInputTests {
    private static let allowed = "uniform, balanced, a layout such as 'E t a | f t*2 H', or a FILE.layout"

    static let partitionCases = [
        Case("run --partition even", 64, "--partition: 'even' is not allowed; \(allowed)"),
        Case("run --partition=", 64, "--partition: '' is not allowed; \(allowed)"),
        Case("run --partition balnced", 64, "--partition: 'balnced' is not allowed; did you mean balanced? \(allowed)"),
        Case(
            "run --partition Ett|(ttH", 64,
            "--partition: 'Ett|(ttH' is not allowed; column 5: the parenthesis is not closed; \(allowed)"),
        Case(
            "run --partition Ett|tt,m|L --stages 3", 64,
            "--partition: 'Ett|tt,m|L' is not allowed; column 8: m is a layer for multi-token prediction, which no model "
                + "here has; \(allowed)"),
        Case(
            "run --partition Ett|tq", 64,
            "--partition: column 6: q is no unit of decoder 4L-4H, which has E, a, f and H; t is a whole layer, L is H"),
        Case(
            "run --partition Ett|ttt*9H", 64,
            "--partition: column 7: t stands once too often: all 4 layers are there before it"),
        Case(
            "run --partition Etta|fat --layers 4", 64,
            "--partition: column 8: t stands too early: unit 9, f of layer 3, comes before it"),
        Case(
            "run --partition Et|t|t|tH --stages 2", 64,
            "--partition: the layout has 4 stages, and 2 are needed for 1F1B with P=2"),
        Case(
            "compare --partition Ett|ttH --schedule interleaved", 64,
            "--partition: the layout has 2 stages, and 4 are needed for Interleaved-1F1B with P=2, v=2"),
        Case(
            "sweep --partition uniform,Et*", 64,
            "--partition: 'uniform,Et*' is not allowed; cuts separated by commas, which no layout has here, each once: "
                + "column 3: * needs a number behind it; \(allowed)"),
        Case(
            "verify --partition Ett|ttH,E(t)*2|ttL", 64,
            "--partition: 'Ett|ttH,E(t)*2|ttL' is not allowed; each once, and E(t)*2|ttL stands twice"),
        Case(
            "run --partition FOLDER/none.layout", 65,
            "FOLDER/none.layout: cannot be read: open: ENOENT (No such file or directory)"),
        Case("run --partition @none", 65, "none: cannot be read: open: ENOENT (No such file or directory)"),
        Case(
            "run --partition FOLDER/empty", 65,
            "FOLDER/empty: a layout has a letter for each unit, and this one has none"),
        Case("run --partition FOLDER/text", 65, "FOLDER/text: has bytes that are not UTF-8; a layout is text"),
        Case(
            "run --partition FOLDER/header.csv", 65,
            "FOLDER/header.csv: column 15: _ is neither a letter nor one of | ( ) *"),
        Case(
            "verify --partition FOLDER/lines.layout", 65,
            "FOLDER/lines.layout: line 2, column 4: the parenthesis closes none"),
        Case(
            "run --partition FOLDER/long.layout", 65, "FOLDER/long.layout: has 97.7 KiB; a layout has at most 64.0 KiB"),
    ]
}
