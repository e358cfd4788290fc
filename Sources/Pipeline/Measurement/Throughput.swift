extension RunResult {
    /// Tokens of a step over the median measured step.
    public var tokensPerSecond: Double {
        let tokens = plan.configuration.batchSize * plan.configuration.model.sequenceLength
        return Double(tokens) / Statistics(measuredStepSeconds).median
    }
}
