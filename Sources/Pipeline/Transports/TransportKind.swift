// SPDX-License-Identifier: Apache-2.0

/// A transport that can be named. Each is a static member of this type, in its own file; `allCases` lists them.
public struct TransportKind: RawRepresentable, CaseIterable, Hashable, Sendable {
    /// In the order of what a hand-off costs.
    public static let allCases: [TransportKind] = withoutLauncher + [.mpi, .mpiOnly]
    /// Those whose ranks one program starts by itself.
    public static let withoutLauncher: [TransportKind] = [.threads, .processes, .sockets, .unix]

    /// What `--transport` and results call it.
    public let rawValue: String
    private let make: @Sendable () -> any Transport

    init(_ name: String, _ make: @escaping @Sendable () -> any Transport) {
        rawValue = name
        self.make = make
    }

    /// The transport of that name; nil when there is none.
    public init?(rawValue: String) {
        guard let kind = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = kind
    }

    /// For one run or several.
    public var transport: any Transport { make() }

    public static func == (a: TransportKind, b: TransportKind) -> Bool { a.rawValue == b.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}
