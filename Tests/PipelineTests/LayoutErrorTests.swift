// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing

/// Layouts that do not fit, and what is said of them.
struct LayoutErrorTests {
    private func model(layers: Int) -> Model {
        var spec = ModelSpec()
        spec.layers = layers
        return spec.model()
    }

    /// What is wrong with a layout of a model of two layers; nil when nothing is.
    private func refusal(_ text: String, layers: Int = 2) -> String? {
        do throws(LayoutError) {
            _ = try Partition(PartitionLayout(text), of: model(layers: layers))
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "what no model makes right is told with its column",
        arguments: [
            ("", "a layout has a letter for each unit, and this one has none"),
            (" , ", "a layout has a letter for each unit, and this one has none"),
            ("E t 3", "column 5: 3 is neither a letter nor one of | ( ) *"),
            ("E t é", "column 5: é is neither a letter nor one of | ( ) *"),
            ("E t a\u{301}", "column 5: a\u{301} is neither a letter nor one of | ( ) *"),
            ("E t \0", "column 5: \0 is neither a letter nor one of | ( ) *"),
            ("Et|(tt|)*29,m|L", "column 13: m is a layer for multi-token prediction, which no model here has"),
            ("E t) | t H", "column 4: the parenthesis closes none"),
            ("E (t | (t H)", "column 3: the parenthesis is not closed"),
            ("E ()*2 t", "column 4: nothing stands between the parentheses"),
            ("*2 E", "column 1: * repeats a letter or a group in parentheses, and none stands before it"),
            ("E t |*2", "column 6: * repeats a letter or a group in parentheses, and none stands before it"),
            ("E t*2*2", "column 6: * repeats a letter or a group in parentheses, and none stands before it"),
            ("E (*2 t)", "column 4: * repeats a letter or a group in parentheses, and none stands before it"),
            ("E t* | t H", "column 4: * needs a number behind it"), ("E t*", "column 4: * needs a number behind it"),
            ("E t*0 H", "column 4: 0 repetitions are not allowed; 1 to 1048576"),
            (
                "E t*18446744073709551617 H",
                "column 4: 18446744073709551617 repetitions are not allowed; 1 to 1048576"
            ),
            ("| E t", "column 1: stage 0 has no unit (stages count from 0)"),
            ("E t | | t H", "column 7: stage 1 has no unit (stages count from 0)"),
            ("E (t | )*2", "column 6: stage 2 has no unit (stages count from 0)"),
            ("E t |\n t |\n\n| H\n", "line 4, column 1: stage 2 has no unit (stages count from 0)"),
            ("E\nt*", "line 2, column 2: * needs a number behind it"),
            ("E t*\n", "column 4: * needs a number behind it"),
        ])
    func grammar(text: String, reason: String) {
        #expect(refusal(text) == reason)
    }

    @Test(
        "what does not fit the model is told by its units: two layers, six units",
        arguments: [
            (
                "E q | t t H",
                "column 3: q is no unit of decoder 2L-4H, which has E, a, f and H; t is a whole layer, L is H"
            ),
            (
                "e t | t H",
                "column 1: e is no unit of decoder 2L-4H, which has E, a, f and H; t is a whole layer, L is H"
            ),
            ("E a f | a H", "column 11: unit 5, f of layer 1, is missing before H"),
            ("E t | H", "column 7: unit 4, a of layer 1, is missing before H"),
            ("t | t H", "column 1: unit 1, E, is missing before t"),
            ("E a | t H", "column 7: unit 3, f of layer 0, is missing before t"),
            ("E t | t", "unit 6, H, is missing at the end"), ("E a", "unit 3, f of layer 0, is missing at the end"),
            ("E f a | t H", "column 3: f stands too early: unit 2, a of layer 0, comes before it"),
            ("E H | t t", "column 3: H stands too early: unit 2, a of layer 0, comes before it"),
            ("t | E t H", "column 1: t stands too early: unit 1, E, comes before it"),
            ("E t a | t H", "column 9: t stands too early: unit 5, f of layer 1, comes before it"),
            ("E a t f H", "column 5: t stands too early: unit 3, f of layer 0, comes before it"),
            ("E E t | t H", "column 3: E stands twice"), ("E t | t H L", "column 11: H stands twice"),
            ("E t | t t H", "column 9: t stands once too often: all 2 layers are there before it"),
            ("E t*3 H", "column 3: t stands once too often: all 2 layers are there before it"),
            ("E t | t a H", "column 9: a stands once too often: all 2 of it are there before"),
            ("E t | (a f)*2 H", "column 8: a stands once too often: all 2 of it are there before"),
        ])
    func units(text: String, reason: String) {
        #expect(refusal(text) == reason)
    }

    @Test("a layer that stands twice, of a model that has one, stands twice") func oneLayer() {
        #expect(refusal("E t t H", layers: 1) == "column 5: t stands twice")
    }

    @Test("a model without layers has no t") func noLayers() {
        let loss = Unit(name: "loss", layer: nil, outputColumns: 0) { Scale("s", columns: 6, plan: &$0) }
        let model = Model(name: "alone", vocabulary: 2, sequenceLength: 1, layers: 0, units: [loss])
        let error = #expect(throws: LayoutError.self) { try Partition(PartitionLayout("t"), of: model) }
        #expect(
            error?.fault == .unknownLetter("t", model: "alone", known: "H"))
        #expect(error?.line == nil && error?.column == 1)
    }

    @Test("repetitions take no memory beyond what a layout may have, however they are nested")
    func bounded() throws {
        let most = PartitionLayout.symbolsMost
        let reason = "the layout has more than 1048576 letters and bars"
        #expect(try PartitionLayout("t*\(most)").stages == 1)
        #expect(try PartitionLayout("(t|)*\(most / 2 - 1)t").stages == most / 2)
        #expect(refusal("t*\(most)t") == "column 10: \(reason)")
        #expect(refusal("tt*\(most)") == "column 3: \(reason)")
        #expect(refusal("((t*1000)*1000)*2") == "column 16: \(reason)")
        let nested = String(repeating: "(", count: 20) + "t" + String(repeating: "*2)", count: 20)
        #expect(try PartitionLayout(nested) == PartitionLayout("t*\(most)"))
        let deep = String(repeating: "(", count: 20_000) + "t*1000000" + String(repeating: ")*1", count: 15_000)
        #expect(refusal(deep) == "column 5000: the parenthesis is not closed")
        #expect(refusal(String(repeating: "t", count: 65_537)) == "the layout has more than 65536 bytes")
    }

    // MARK: Planning

    private func refusal(_ configuration: RunConfiguration) -> String? {
        do throws(RunError) {
            _ = try RunPlan(configuration)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "another number of stages than the schedule's is refused with both",
        arguments: [
            ("E t | t t | t H", 2, 1, "the layout has 3 stages, and 2 are needed for Interleaved-1F1B with P=2"),
            ("E t*4 H", 4, 1, "the layout has 1 stage, and 4 are needed for Interleaved-1F1B with P=4"),
            ("E t t | t t H", 2, 2, "the layout has 2 stages, and 4 are needed for Interleaved-1F1B with P=2, v=2"),
        ])
    func stages(text: String, ranks: Int, virtualStages: Int, reason: String) throws {
        let schedule = Schedule.interleaved(ranks: ranks, virtualStages: virtualStages, microbatches: 4)
        var configuration = smallConfiguration(.gpt, schedule)
        configuration.partition = .layout(try PartitionLayout(text))
        #expect(refusal(configuration) == "--partition: \(reason)")
    }

    @Test("a layout that does not fit the model is refused by the flag, with its fault") func misfit() throws {
        var configuration = smallConfiguration(.gpt, .gpipe(ranks: 2, microbatches: 4))
        configuration.partition = .layout(try PartitionLayout("E t t | t H"))
        #expect(refusal(configuration) == "--partition: column 11: unit 8, a of layer 3, is missing before H")
    }

    @Test("letters that layouts have for others are refused", arguments: ["t", "L", "m", "é", "1", "|"] as [Character])
    func letters(letter: Character) {
        let unit = Unit(name: "own", layer: 0, outputColumns: 6, letter: letter) { Scale("s", columns: 6, plan: &$0) }
        let schedule = Schedule.gpipe(ranks: 1, microbatches: 1)
        #expect(
            refusal(RunConfiguration(model: chain(with: unit), schedule: schedule))
                == "unit own: its letter is \(letter), which is none of ASCII, or t, L or m, which layouts have for others"
        )
    }

    @Test("a layout that a results CSV cannot tell is refused") func tooLong() throws {
        let inner = (0..<2100).map { index in
            Unit(name: "\(index)", layer: nil, outputColumns: 6, letter: index % 2 == 0 ? "p" : "q") {
                Scale("s\(index)", columns: 6, plan: &$0)
            }
        }
        let model = Model(
            name: "long", vocabulary: 11, sequenceLength: 1, layers: 0,
            units: [embedding(columns: 6, vocabulary: 11)] + inner + [lossHead(columns: 6, vocabulary: 11)])
        var configuration = RunConfiguration(model: model, schedule: .gpipe(ranks: 1, microbatches: 1))
        configuration.partition = .layout(try PartitionLayout("x (p q)*1050 H"))
        #expect(refusal(configuration) == "--partition: the layout takes more than 4096 bytes to be told")
        configuration.partition = .balanced
        #expect(refusal(configuration) == nil)
    }
}
