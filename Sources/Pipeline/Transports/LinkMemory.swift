/// Memory that connecting a run's edges takes.
public struct LinkMemory: Sendable, Equatable {
    /// From the transport's `sharedMemory`.
    public var sharedBytes: Int
    /// In memory that is not shared; the ranks together fill it once.
    public var privateBytes: Int

    /// With these values.
    public init(sharedBytes: Int, privateBytes: Int) {
        self.sharedBytes = sharedBytes
        self.privateBytes = privateBytes
    }
}
