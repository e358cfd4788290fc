// SPDX-License-Identifier: Apache-2.0

extension StepTimes {
    /// The losses, and besides them what tasks that sum gradients over copies waited after their input was handed on, and what passed
    /// from their end to the rank's next task. So these hand-offs are told from those between stages, and a replay still starts each
    /// task no later than it really started.
    var lossesWithReductions: [[Replay.Losses]] {
        losses.enumerated().map { rank, list in
            list.enumerated().map { task, losses in
                var all = losses
                if isReduction(rank, task) {
                    all.ready += handoffSeconds(TaskGraph.Node(rank: rank, task: task)) ?? 0
                }
                if task > 0 && isReduction(rank, task - 1) {
                    all.before = Pipeline.seconds(from: tasks[rank][task - 1].sent, to: tasks[rank][task].begin)
                }
                return all
            }
        }
    }

    private func isReduction(_ rank: Int, _ task: Int) -> Bool { graph.tasks[rank][task].kind == .reduction }
}
