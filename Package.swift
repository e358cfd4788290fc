// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// Every Swift target: Swift 6 concurrency, and each unsafe construct marked where it is used.
let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .strictMemorySafety()]

/// For tests whose own code does next to nothing: optimized, they take two to three times as long to build and are no faster.
let unoptimized = strict + [SwiftSetting.unsafeFlags(["-Onone"])]

/// For tests with plain loops to compare kernels with, which take twenty times as long otherwise.
let optimized = strict + [SwiftSetting.unsafeFlags(["-O"])]

let package = Package(
    name: "ppthreads",
    products: [
        .library(name: "Threads", targets: ["Threads"]),
        .library(name: "SharedTensor", targets: ["SharedTensor"]),
        .library(name: "Pipeline", targets: ["Pipeline"]),
        .executable(name: "ppthreads", targets: ["ppthreads"]),
        .executable(name: "ppthreads-bench", targets: ["ppthreads-bench"]),
    ],
    traits: [
        .trait(name: "MPI", description: "The transport mpi; needs an MPI library, found as pkg-config's mpi.")
    ],
    dependencies: [],
    targets: [
        .target(name: "CThreads", path: "Sources/Threads/CThreads"),
        .target(
            name: "Threads", dependencies: ["CThreads"], path: "Sources/Threads", exclude: ["CThreads"],
            swiftSettings: strict),
        .target(name: "CKernels", path: "Sources/SharedTensor/CKernels"),
        .target(
            name: "SharedTensor", dependencies: ["Threads", "CKernels"], path: "Sources/SharedTensor",
            exclude: ["CKernels"], swiftSettings: strict),
        .systemLibrary(
            name: "SystemMPI", path: "Sources/Pipeline/Transports/MPI/SystemMPI", pkgConfig: "mpi",
            providers: [.apt(["libopenmpi-dev"])]),
        .target(
            name: "CMPI", dependencies: [.target(name: "SystemMPI", condition: .when(traits: ["MPI"]))],
            path: "Sources/Pipeline/Transports/MPI/CMPI",
            cSettings: [.define("PPT_MPI", .when(traits: ["MPI"]))]),
        .target(
            name: "Pipeline", dependencies: ["Threads", "SharedTensor", "CMPI"],
            exclude: ["Transports/MPI/CMPI", "Transports/MPI/SystemMPI"], swiftSettings: strict),
        .plugin(
            name: "CommitPlugin", capability: .buildTool(), path: "Sources/ppthreads/Commit",
            exclude: ["write_commit.sh"]),
        .executableTarget(
            name: "ppthreads", dependencies: ["Pipeline"], exclude: ["Commit"], swiftSettings: strict,
            plugins: ["CommitPlugin"]),
        .executableTarget(
            name: "ppthreads-bench", dependencies: ["Pipeline", "SharedTensor", "Threads"],
            path: "Benchmarks/ppthreads-bench",
            swiftSettings: strict),
        .testTarget(name: "ThreadsTests", dependencies: ["Threads"], swiftSettings: unoptimized),
        .testTarget(name: "InterleavingTests", dependencies: ["SharedTensor", "Threads"], swiftSettings: strict),
        .testTarget(
            name: "SharedTensorTests", dependencies: ["SharedTensor", "Threads"], swiftSettings: optimized),
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .testTarget(
            name: "PipelineTests", dependencies: ["Pipeline", "SharedTensor", "Threads", "AllocationCounter"],
            exclude: ["Golden"],
            swiftSettings: unoptimized),
        .testTarget(
            name: "CommandTests", dependencies: ["ppthreads", "ppthreads-bench"], exclude: ["Browser", "Data"],
            swiftSettings: unoptimized),
        .testTarget(name: "TidyTests", swiftSettings: unoptimized),
    ]
)
