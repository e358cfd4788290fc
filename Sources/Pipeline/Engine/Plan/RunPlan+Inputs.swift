// SPDX-License-Identifier: Apache-2.0

extension RunPlan {
    /// That all processes of a job have read the same: a path may lead to another file on another host, and what differs would
    /// be mixed without a word.
    static func checkInputs(
        _ configuration: RunConfiguration, _ partition: Partition, _ tokens: Fingerprint?, _ job: (any Job)?
    ) throws(RunError) {
        guard let job else { return }
        let settings = ["--schedule", "--partition", "--init", "--data"]
        let schedule = configuration.schedule
        let all = try agreed(job) { () throws(RunError) -> [String] in
            let order = Fingerprint("\(schedule.rankOfStage) \(schedule.csv())".utf8)
            let initial: Fingerprint?
            do throws(DataError) { initial = try configuration.initial?.fingerprint() } catch { throw .data(error) }
            return [
                "\(order)", partition.layout(of: configuration.model), initial?.description ?? "none",
                tokens?.description ?? "\(configuration.tokens)",
            ]
        }
        for (rank, values) in all.enumerated() {
            for (index, setting) in settings.enumerated() where values[index] != all[0][index] {
                throw .configuration(
                    setting: setting,
                    "rank \(rank), on \(job.hosts[rank].name), has another one than rank 0, on \(job.hosts[0].name): "
                        + "all processes need the same")
            }
        }
    }
}
