// SPDX-License-Identifier: Apache-2.0

import CKernels
import Threads

/// The compute kernels of one rank: the table of its SIMD level, a packing buffer for each of its threads, and its team.
///
/// Shapes are checked here, once a call; the C kernels trust them. None of these allocates. Only the team's own thread
/// may call them, because of the packing buffers; the team's members share what is large (`SharedWork.swift`), never
/// along a sum, so that their number changes no bit. What each kernel promises is in its C file (`KernelList.h`), what all
/// promise about bits in `CKernels.h`.
///
/// A file beside this one has the kernels of one concern, each with the work that a team shares.
@safe
public struct Kernels {
    // Sound: a table is a constant of the program; the workspace outlives the rank's kernels (the maker's promise).
    let table: UnsafePointer<ppt_kernels>
    let workspace: UnsafeMutablePointer<Float>
    /// How wide its vectors are.
    public let level: SIMDLevel
    /// Computes the matrix products instead of the table, when there is one. It does so on the calling thread alone.
    let blas: BLASLibrary?
    let team: Dispatcher
    /// The member whose kernels these are; 0 for the team's own.
    public let member: Int

    /// Floats that `workspace` must hold.
    public static func workspaceShape(members: Int = 1) -> Shape { Shape(members, Int(PPT_GEMM_WORKSPACE_FLOATS)) }

    /// The kernels of a level that `isSupported`.
    public init(level: SIMDLevel, blas: BLASLibrary? = nil, workspace: Tensor, team: Dispatcher = .alone) {
        require(
            workspace.count >= Self.workspaceShape(members: team.members).count,
            "a packing buffer of \(workspace.count) floats is too small for \(team.members) threads")
        guard let table = unsafe ppt_kernels_at(level.raw) else {
            trap("this CPU cannot run \(level.rawValue) kernels")
        }
        unsafe self.init(table: table, workspace: workspace.base, level: level, blas: blas, team: team, member: 0)
    }

    private init(
        table: UnsafePointer<ppt_kernels>, workspace: UnsafeMutablePointer<Float>, level: SIMDLevel,
        blas: BLASLibrary?, team: Dispatcher, member: Int
    ) {
        unsafe self.table = table
        unsafe self.workspace = workspace
        self.level = level
        self.blas = blas
        self.team = team
        self.member = member
    }

    // MARK: The team

    /// How many threads share what is large.
    public var members: Int { team.members }

    /// The kernels for one member of the team, on its own thread, while the team does work that it shares.
    public func ofMember(_ member: Int) -> Kernels {
        if member < 0 || member >= members { trap("member \(member) of a team of \(members)") }
        let own = unsafe workspace + member * Int(PPT_GEMM_WORKSPACE_FLOATS)
        return unsafe Kernels(
            table: table, workspace: own, level: level, blas: isTeam ? nil : blas, team: .alone, member: member)
    }

    /// Has all members do their part of the work.
    @inline(__always)
    public func share<Work: SharedWork>(_ work: Work) { team.run(work) }

    /// Whether there is anybody to share with.
    var isTeam: Bool { members > 1 }

    /// Does multiplications and additions in registers, as fast as the core can. Returns how many, and a value that
    /// depends on all of them.
    public func peakWork(steps: Int) -> (operations: Double, result: Float) {
        require(steps >= 0, "\(steps) steps of work")
        let result = unsafe table.pointee.peak_work(steps, 0.5)
        return unsafe (Double(steps) * Double(table.pointee.peak_flops_a_step()), result)
    }
}
