// SPDX-License-Identifier: Apache-2.0

import CMPI
import Threads

/// Bytes on their way to another process or from it, of any length: how many they are, then the bytes in pieces.
///
/// Nothing waits: `isOver` goes on with it as far as that is possible now.
// Sound: used by one thread; the buffer is there until the message is, and a message that is given up is never freed.
@safe
final class MPIMessage {
    private let peer: Int32
    private let tag: Int32
    private let isIncoming: Bool
    private let requests: MPIRequests
    private let header: UnsafeMutablePointer<UInt64>
    private var body: UnsafeMutableRawBufferPointer
    private var hasHeader = false
    private var begun = 0
    private var isDone = false

    /// Of a call of MPI, which counts in 32 bits.
    private static let pieceBytes = 1 << 28

    private init(_ peer: Int, tag: Int, isIncoming: Bool, bytes: Int) {
        (self.peer, self.tag, self.isIncoming) = (Int32(peer), Int32(tag), isIncoming)
        requests = MPIRequests(most: 1)
        unsafe header = .allocate(capacity: 1)
        unsafe header.initialize(to: UInt64(bytes))
        unsafe body = .allocate(byteCount: bytes, alignment: 64)
    }

    /// Sends bytes to another process.
    static func sending(_ bytes: [UInt8], to peer: Int, tag: Int) throws(MPIError) -> MPIMessage {
        let message = MPIMessage(peer, tag: tag, isIncoming: false, bytes: bytes.count)
        unsafe message.body.copyBytes(from: bytes)
        try unsafe message.requests.begin("MPI_Isend") {
            unsafe ppt_mpi_send(ppt_mpi_words, message.header, 8, message.peer, message.tag, $0)
        }
        return message
    }

    /// Receives what another process sends under the tag.
    static func receiving(from peer: Int, tag: Int) throws(MPIError) -> MPIMessage {
        let message = MPIMessage(peer, tag: tag, isIncoming: true, bytes: 0)
        try unsafe message.requests.begin("MPI_Irecv") {
            unsafe ppt_mpi_receive(ppt_mpi_words, message.header, 8, message.peer, message.tag, $0)
        }
        return message
    }

    deinit {
        // MPI may still write to it, or read it.
        if !isDone { return }
        unsafe header.deallocate()
        unsafe body.deallocate()
    }

    /// Whether all of it is there, or all of it is with MPI.
    func isOver() throws(MPIError) -> Bool {
        while !isDone {
            if !(try requests.areOver()) { return false }
            if isIncoming && !hasHeader {
                unsafe body.deallocate()
                unsafe body = .allocate(byteCount: Int(header.pointee), alignment: 64)
            }
            hasHeader = true
            if unsafe begun == body.count { isDone = true } else { try beginPiece() }
        }
        return true
    }

    private func beginPiece() throws(MPIError) {
        let count = unsafe min(Self.pieceBytes, body.count - begun)
        let bytes = unsafe body.baseAddress! + begun
        try unsafe requests.begin(isIncoming ? "MPI_Irecv" : "MPI_Isend") {
            isIncoming
                ? unsafe ppt_mpi_receive(ppt_mpi_words, bytes, Int32(count), peer, tag, $0)
                : unsafe ppt_mpi_send(ppt_mpi_words, bytes, Int32(count), peer, tag, $0)
        }
        begun += count
    }

    /// What was received.
    var bytes: [UInt8] {
        require(isDone, "a message that is not there yet")
        return unsafe Array(body)
    }
}
