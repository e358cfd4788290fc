// SPDX-License-Identifier: Apache-2.0
// A ring between two threads, without a pipeline around it: one writes numbers into slots, the other reads them there.

import Pipeline

let layout = RingLayout(capacity: 4, payloadBytes: 8)
var memory = SegmentLayout()
let (ringRegion, abortRegion) = (memory.reserve(bytes: layout.bytes), memory.reserve(bytes: 8))
// For forked processes, `.sharedMemory`.
let segment = try Segment(bytes: memory.bytes, backing: .privateMemory)
let storage = segment.ring(ringRegion, layout)
// A wait ends with data, with the abort flag, or after a second.
let context = WaitContext(
    patience: .ownCPU, abort: AbortFlag(segment.counter(abortRegion)), timeoutNanoseconds: 1_000_000_000)

let producer = try PinnedThread(name: "producer", cpu: nil) { _ throws(WaitError) in
    var ring = RingProducer(storage)
    for number in 1...1000 { try ring.push(number, context) }
}
let consumer = try PinnedThread(name: "consumer", cpu: nil) { _ throws(WaitError) -> Int in
    var ring = RingConsumer(storage)
    var sum = 0
    for _ in 1...1000 {
        // In place: the slot is ours until it is released.
        let slot = try ring.receive(context)
        sum += slot.load(as: Int.self)
        ring.release(slot)
    }
    return sum
}
try producer.join()
print("the sum of 1 to 1000 is \(try consumer.join())")
