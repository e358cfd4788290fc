// SPDX-License-Identifier: Apache-2.0

extension JobOfProgram {
    /// Tells the other processes why this one ends, unless they know: whoever goes on finds it out at the next thing that they do
    /// together.
    public static func tellEnd(_ sentence: String) {
        guard let job = unsafe current, !(unsafe knowsEnd), job.isSound else { return }
        unsafe knowsEnd = true
        let answers = try? job.exchange(RunPlan.words(ofFailure: sentence), within: JobOfProgram.agreementSeconds)
        // Others that are about to end are not asked a second time.
        if answers?.contains(where: { $0?.count == 1 }) ?? true { job.giveUp() }
    }
}
