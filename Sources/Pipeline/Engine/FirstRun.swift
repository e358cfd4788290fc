// SPDX-License-Identifier: Apache-2.0

import SharedTensor

/// A run whose ranks are all in one process, in a job of several: the first process does it, while the others sleep, and tells them
/// what came of it, so that all go on in the same way.
package struct FirstRun {
    private let plan: RunPlan
    private let job: any Job

    package init(_ plan: RunPlan, _ job: any Job) { (self.plan, self.job) = (plan, job) }

    /// What is told of the run besides what its memory holds.
    private struct Summary: Codable {
        let reports: [RankReport]
        let began, ended: UInt64
    }

    /// - Parameter run: does it, in the first process.
    /// - Returns: in every process the result that the first one has.
    /// - Throws: in the first process what `run` threw, in the others that, with its rank and host.
    package func result(_ run: () throws(RunError) -> RunResult) throws(RunError) -> RunResult {
        var own: RunResult?
        // All wait for the first one for as long as it takes.
        let summaries = try RunPlan.agreed(job, within: .infinity) { () throws(RunError) -> Summary? in
            if job.rank > 0 { return nil }
            let result = try run()
            own = result
            return Summary(reports: result.ranks, began: result.began, ended: result.ended)
        }
        guard let summary = summaries[0] else { throw .failed("the first process has told nothing of its run") }
        let memory: RunMemory
        do throws(SegmentError) { memory = try RunMemory(plan) } catch { throw .failed(error.description) }
        if let timeline = own?.timeline ?? memory.timeline {
            for rank in 0..<plan.schedule.ranks {
                let bytes = try told(own.map { timeline.bytes(ofRank: rank, steps: $0.steps) } ?? [])
                if own == nil { timeline.write(bytes, ofRank: rank, .none) }
            }
        }
        for (kept, empty) in [(own?.weights, memory.weights), (own?.gradients, memory.gradients)] {
            guard let image = kept ?? empty else { continue }
            let bytes = try told(own == nil ? [] : image.bytes(of: plan.parameters))
            if own == nil { image.write(bytes, of: plan.parameters) }
        }
        return own ?? plan.result(summary.reports, memory, began: summary.began, ended: summary.ended)
    }

    /// What the first process tells.
    private func told(_ bytes: [UInt8]) throws(RunError) -> [UInt8] {
        do throws(JobError) { return try job.tellAll(bytes)[0] } catch { throw .failed(error.description) }
    }
}
