// SPDX-License-Identifier: Apache-2.0

import Pipeline
import SharedTensor
import Testing
import Threads

/// The sentences with which a configuration is refused that the command line's own checks do not let through, each beside the
/// nearest one that is taken.
struct RefusalTests {
    private func refusal(_ change: (inout RunConfiguration) -> Void) -> String? {
        var configuration = smallConfiguration(.gpt, .oneFOneB(ranks: 2, microbatches: 4))
        change(&configuration)
        do throws(RunError) {
            _ = try RunPlan(configuration)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("numbers of steps, sequences and threads, just outside and just inside") func numbers() {
        #expect(refusal { $0.batchSize = 0 } == "--batch-size: 0 is not allowed; at least 1")
        #expect(refusal { $0.batchSize = 4 } == nil)
        #expect(refusal { $0.measuredSteps = 0 } == "--measure-steps: 0 is not allowed; at least 1")
        #expect(refusal { $0.measuredSteps = 1 } == nil)
        #expect(
            refusal { $0.measuredSteps = 100_000_001 } == "--measure-steps: 100000001 is not allowed; at most 100000000"
        )
        #expect(refusal { $0.warmupSteps = -1 } == "--warmup-steps: -1 is not allowed; at least 0")
        #expect(
            refusal { $0.warmupSteps = 100_000_001 } == "--warmup-steps: 100000001 is not allowed; at most 100000000")
        #expect(refusal { $0.warmupSteps = 0 } == nil)
        #expect(refusal { $0.threadsPerRank = 0 } == "--threads: 0 is not allowed; at least 1")
        #expect(
            refusal { $0.threadsPerRank = CPUSet.capacity + 1 }
                == "--threads: \(CPUSet.capacity + 1) is not allowed; at most \(CPUSet.capacity)")
        #expect(
            refusal { $0.batchSize = 1 << 62 }
                == "--batch-size: 4611686018427387904 sequences of 5 tokens are more than any machine has memory for")
    }

    @Test("rates and times, just outside and just inside") func rates() {
        #expect(refusal { $0.dropout = 1 } == "--dropout: 1.0 is not allowed; at least 0 and below 1")
        #expect(refusal { $0.dropout = 1.0.nextDown } == nil)
        #expect(refusal { $0.dropout = -1e-9 } == "--dropout: -1e-09 is not allowed; at least 0 and below 1")
        #expect(refusal { $0.dropout = 0 } == nil)
        #expect(
            refusal { $0.timeoutSeconds = 0 }
                == "--timeout: 0.0 is not allowed; more than 0 and at most 1000000000 seconds")
        #expect(refusal { $0.timeoutSeconds = 1e9 } == nil)
        #expect(refusal { $0.timeoutSeconds = 1e9.nextUp }?.hasPrefix("--timeout: 1000000000.0") == true)
        let allowed = " is not allowed; a finite number, at least 0"
        #expect(refusal { $0.optimizer = .sgd(rate: -0.5) } == "--lr: -0.5\(allowed)")
        #expect(refusal { $0.optimizer = .adam(rate: .infinity) } == "--lr: inf\(allowed)")
        #expect(refusal { $0.optimizer = .adam(rate: 0) } == nil)
    }

    @Test("a list of no CPUs, and vectors that this CPU has not") func machine() {
        #expect(refusal { $0.pin = .list([]) } == "--pin: a list of no CPUs is not allowed; at least one")
        for level in SIMDLevel.allCases {
            let sentence =
                "--simd: this CPU cannot run \(level.rawValue); its best is \(SIMDLevel.best.rawValue)"
            #expect(refusal { $0.simd = level } == (level.isSupported ? nil : sentence))
        }
    }

    @Test("a comparison of nothing, of no rounds, or without timelines") func comparison() throws {
        func refusal(rounds: Int = 1, candidates count: Int = 1, keepsTimeline: Bool = true) throws -> String? {
            var configuration = smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 2))
            configuration.keepsTimeline = keepsTimeline
            let plan = try RunPlan(configuration)
            let candidate = Comparison.Candidate(transport: .threads, plan: plan)
            do throws(RunError) {
                _ = try Comparison(
                    Array(repeating: candidate, count: count), oneStage: plan, rounds: rounds, seed: 0)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(try refusal(rounds: 0) == "--trials: 0 is not allowed; at least 1")
        #expect(try refusal(candidates: 0) == "--schedule: there is nothing to compare")
        #expect(try refusal(keepsTimeline: false) == "--no-timeline: a comparison needs the timelines of all runs")
        #expect(try refusal() == nil)
    }

    @Test("sizes that make no model, just outside and just inside") func sizes() {
        func refusal(_ change: (inout ModelSpec) -> Void) -> String? {
            var spec = ModelSpec()
            (spec.vocabulary, spec.dim, spec.layers, spec.heads) = (7, 6, 1, 3)
            (spec.hidden, spec.sequenceLength) = (2, 1)
            change(&spec)
            var configuration = RunConfiguration(model: spec.model(), schedule: .gpipe(ranks: 1, microbatches: 1))
            configuration.keepsTimeline = false
            do throws(RunError) {
                _ = try RunPlan(configuration)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.sequenceLength = 0 } == "sequence length is 0; at least 1 is allowed")
        #expect(refusal { $0.heads = 4 } == "4 heads do not divide dim 6")
        #expect(refusal { $0.heads = 6 } == nil)
        #expect(refusal { $0.layers = 65537 } == "layers is 65537, which is too much for any machine")
        #expect(refusal { $0.heads = 65537 } == "heads is 65537, which is too much for any machine")
        #expect(refusal { $0.hidden = (1 << 30) + 1 } == "hidden is 1073741825, which is too much for any machine")
    }

    @Test("a checkpoint that lacks a tensor, has another's shape, or one too many") func checkpoint() throws {
        let parameters = try RunPlan(smallConfiguration(.gpt, .gpipe(ranks: 1, microbatches: 1))).parameters
        let folder = try Folder()
        /// - Parameter tensors: names and shapes, whose elements are all 0.
        func refusal(_ tensors: [(name: String, shape: [Int])]) throws -> String? {
            var offset = 0
            let entries = tensors.map { tensor in
                let bytes = 4 * tensor.shape.reduce(1, *)
                defer { offset += bytes }
                return
                    #""\#(tensor.name)":{"dtype":"F32","shape":\#(tensor.shape),"data_offsets":[\#(offset),\#(offset + bytes)]}"#
            }
            let header = Array("{\(entries.joined(separator: ","))}".utf8)
            let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
            let file = try folder.file("w", length + header + Array(repeating: 0, count: offset))
            do throws(DataError) {
                try SafetensorsFile(path: file).check(holds: parameters)
                return nil
            } catch {
                return error.reason
            }
        }
        var tensors = parameters.map { (name: $0.name, shape: $0.shape.dimensions) }
        #expect(try refusal(tensors) == nil)
        #expect(try refusal(tensors.dropLast()) == "has no tensor \(tensors.last!.name)")
        #expect(try refusal(tensors + [("stranger", [2])]) == "tensor stranger is none of the model's")
        let (name, shape) = tensors[1]
        tensors[1].shape = shape.reversed()
        #expect(shape.count == 2 && shape[0] != shape[1])
        let wanted = parameters[1].shape
        #expect(try refusal(tensors) == "tensor \(name) has shape \(tensors[1].shape), the model's is \(wanted)")
        tensors[1].shape = [shape[0] * shape[1]]
        #expect(try refusal(tensors)?.hasPrefix("tensor \(name) has shape [") == true)
    }
}
