// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing
import Threads

/// What units assume of each other and of the model is compared when a run is planned.
struct ModelCheckTests {
    private func embedding(_ rows: Int, columns: Int = 6, gives: Int = 6, _ name: String = "embedding") -> Unit {
        Unit(name: name, layer: nil, outputColumns: gives) {
            Embedding(name, vocabulary: rows, dim: columns, initializer: .normal(1), plan: &$0)
        }
    }

    private func linear(_ name: String, _ inputs: Int, _ outputs: Int, layer: Int? = nil) -> Unit {
        Unit(name: name, layer: layer, outputColumns: outputs) {
            Linear(name, inputs: inputs, outputs: outputs, plan: &$0)
        }
    }

    private func model(_ units: [Unit], vocabulary: Int = 11, sequenceLength: Int = 3, layers: Int = 0) -> Model {
        Model(
            name: "given", vocabulary: vocabulary, sequenceLength: sequenceLength, layers: layers, units: units)
    }

    /// What planning says of a model; nil when it takes it.
    private func refusal(
        _ model: Model, _ schedule: Schedule = .gpipe(ranks: 1, microbatches: 1),
        _ partition: PartitionChoice = .balanced
    ) throws -> String? {
        var configuration = RunConfiguration(model: model, schedule: schedule)
        configuration.partition = partition
        do throws(RunError) {
            _ = try RunPlan(configuration)
            return nil
        } catch {
            guard case .model(let reason) = error else { throw error }
            return reason.description
        }
    }

    @Test("an embedding or a loss smaller than the vocabulary is refused, a larger one trains") func vocabulary() throws
    {
        let head = lossHead(columns: 6, vocabulary: 500)
        #expect(
            try refusal(model([embedding(50), head], vocabulary: 500))
                == "unit embedding: has rows for 50 tokens, and the model's vocabulary is 500")
        #expect(
            try refusal(model([embedding(500), lossHead(columns: 6, vocabulary: 50)], vocabulary: 500))
                == "unit head: has columns for 50 tokens, and the model's vocabulary is 500")
        let padded = model([embedding(512), head], vocabulary: 500)
        #expect(try refusal(padded) == nil)
        var configuration = RunConfiguration(model: padded, schedule: .gpipe(ranks: 1, microbatches: 2))
        configuration.partition = .balanced
        #expect(try RunPlan(configuration).run().losses.allSatisfy(\.isFinite))
    }

    @Test("columns that do not fit are refused, with both units' names") func columns() throws {
        let head = lossHead(columns: 6, vocabulary: 11)
        #expect(
            try refusal(model([embedding(11), linear("wide", 7, 6), head]))
                == "units embedding and wide: the first gives 6 columns, the second takes 7")
        #expect(
            try refusal(model([embedding(11), lossHead(columns: 5, vocabulary: 11)]))
                == "units embedding and head: the first gives 6 columns, the second takes 5")
        #expect(
            try refusal(model([embedding(11, columns: 6, gives: 8), linear("l", 8, 6), head]))
                == "unit embedding: says that it gives 8 columns, and its layer gives 6")
        #expect(try refusal(model([linear("first", 6, 6), head])) == "unit first: takes 6 columns, and gets 0")
        #expect(
            try refusal(model([embedding(11), embedding(11, "again"), head]))
                == "units embedding and again: the first gives 6 columns, the second takes 0")
        for spec in Architecture.allCases.map({ architecture in
            var spec = ModelSpec()
            spec.architecture = architecture
            (spec.vocabulary, spec.dim, spec.hidden) = (11, 8, 8)
            return spec
        }) { #expect(try refusal(spec.model()) == nil) }
    }

    @Test("chains that no loss ends, or one ends too early, or that are empty, are refused") func chains() throws {
        let head = lossHead(columns: 6, vocabulary: 11)
        #expect(try refusal(model([])) == "the model has no units")
        #expect(
            try refusal(model([embedding(11)]))
                == "unit embedding: the last unit computes the loss, and gives 0 columns, not 6")
        #expect(
            try refusal(model([embedding(11), lossHead(columns: 6, vocabulary: 11, name: "early"), head]))
                == "unit early: gives 0 columns; a unit that is not the last gives 1 to 1073741824")
        #expect(
            try refusal(model([embedding(11, gives: -6), head]))
                == "unit embedding: gives -6 columns; a unit that is not the last gives 1 to 1073741824")
    }

    @Test("a unit that reads tokens or targets where there are none is refused") func readers() throws {
        let units = [
            embedding(11),
            Unit(name: "reader", layer: nil, outputColumns: 6) { plan in
                plan.readsTokens(below: 11)
                return Scale("s", columns: 6, plan: &plan)
            }, linear("l", 6, 6), lossHead(columns: 6, vocabulary: 11),
        ]
        #expect(try refusal(model(units)) == nil)
        #expect(
            try refusal(model(units), .gpipe(ranks: 4, microbatches: 1))
                == "a unit of stage 1 reads tokens, which the first stage alone has")
        let targets = Unit(name: "reader", layer: nil, outputColumns: 6) { plan in
            plan.readsTargets(below: 11)
            return Scale("s", columns: 6, plan: &plan)
        }
        #expect(
            try refusal(model([units[0], targets, units[2], units[3]]), .gpipe(ranks: 4, microbatches: 1))
                == "a unit of stage 1 reads targets, which the last stage alone has")
    }

    @Test("a name that two parameters have is refused, with both units' names, and so is one that no file can hold")
    func names() throws {
        let head = lossHead(columns: 6, vocabulary: 11)
        func units(_ first: String, _ second: String) -> [Unit] {
            [
                embedding(11),
                Unit(name: "one", layer: nil, outputColumns: 6) { Scale(first, columns: 6, plan: &$0) },
                Unit(name: "two", layer: nil, outputColumns: 6) { Scale(second, columns: 6, plan: &$0) }, head,
            ]
        }
        #expect(
            try refusal(model(units("s", "s"))) == "units one and two: both have a parameter called s.scale")
        #expect(try refusal(model(units("s", "t"))) == nil)
        #expect(
            try refusal(model(units("s", "t")), .gpipe(ranks: 4, microbatches: 1)) == nil)
        #expect(
            try refusal(model(units("s", "s")), .gpipe(ranks: 4, microbatches: 1))
                == "units one and two: both have a parameter called s.scale")
        let metadata = Unit(name: "named", layer: nil, outputColumns: 6) { plan in
            _ = plan.parameter("__metadata__", Shape(1), .constant(0))
            return Scale("s", columns: 6, plan: &plan)
        }
        #expect(
            try refusal(model([embedding(11), metadata, head]))
                == "unit named: a checkpoint cannot hold a parameter called \"__metadata__\"")
    }

    @Test("layers that have no unit, or not in their place, are refused where a partition cuts between layers")
    func layers() throws {
        let head = lossHead(columns: 6, vocabulary: 11)
        func refusal(_ layers: [Int], of count: Int) throws -> String? {
            let units = layers.enumerated().map { linear("l\($0.offset)", 6, 6, layer: $0.element) }
            return try self.refusal(
                model([embedding(11)] + units + [head], layers: count), .gpipe(ranks: 2, microbatches: 1), .uniform)
        }
        #expect(try refusal([0, 1, 1, 2], of: 3) == nil)
        #expect(try refusal([0, 1], of: 4) == "the model has 4 layers, and its units are of 2")
        #expect(
            try refusal([0, 2, 1], of: 3) == "unit l1: is of layer 2, and stands where one of layer 1 is to stand")
        #expect(
            try refusal([1, 0], of: 2) == "unit l0: is of layer 1, and stands where one of layer 0 is to stand")
    }

    @Test("sizes that make no model are refused by name") func sizes() throws {
        func refusal(_ change: (inout ModelSpec) -> Void) throws -> String? {
            var spec = ModelSpec()
            (spec.vocabulary, spec.dim, spec.hidden, spec.heads) = (11, 8, 8, 2)
            change(&spec)
            return try self.refusal(spec.model(), .gpipe(ranks: 1, microbatches: 1), .uniform)
        }
        #expect(try refusal { _ in } == nil)
        #expect(try refusal { $0.heads = 3 } == "3 heads do not divide dim 8")
        #expect(try refusal { $0.heads = 0 } == "heads is 0; at least 1 is allowed")
        #expect(try refusal { $0.dim = -8 } == "dim is -8; at least 1 is allowed")
        #expect(try refusal { $0.layers = 0 } == "layers is 0; at least 1 is allowed")
        #expect(try refusal { $0.hidden = 0 } == "hidden is 0; at least 1 is allowed")
        #expect(try refusal { $0.vocabulary = .min } == "vocabulary is \(Int.min); at least 1 is allowed")
        #expect(try refusal { $0.sequenceLength = 1 << 62 }?.contains("sequence length is 46116860") == true)
        #expect(try refusal { $0.layers = 1 << 40 }?.contains("too much for any machine") == true)
        let head = lossHead(columns: 6, vocabulary: 11)
        #expect(
            try self.refusal(model([embedding(11), head], vocabulary: 0))
                == "a vocabulary of 0; 1 to 1073741824 is allowed")
        #expect(
            try self.refusal(model([embedding(11), head], sequenceLength: -3))
                == "a sequence length of -3; 1 to 1073741824 is allowed")
    }

    @Test("a file with tokens outside the vocabulary is refused when the run is planned") func tokenFile() throws {
        var configuration = RunConfiguration(
            model: model([embedding(11), lossHead(columns: 6, vocabulary: 11)]),
            schedule: .gpipe(ranks: 1, microbatches: 1))
        configuration.partition = .balanced
        configuration.tokens = .file(try TokenFile(path: #filePath))
        #expect {
            _ = try RunPlan(configuration)
        } throws: { error in
            guard case .data(let reason)? = error as? RunError else { return false }
            return "\(reason)".contains("outside the vocabulary of 11")
        }
    }
}
