// SPDX-License-Identifier: Apache-2.0

import Threads

/// A contiguous fp32 tensor in memory that somebody else owns: a segment, a ring slot.
///
/// Row-major, 64-byte aligned unless it was cut from a larger one. A view is as good as the memory under it; it may be
/// used from one thread at a time, or as the ring's protocol allows.
@safe
public struct Tensor {
    // Sound: made only from regions of live segments or from slots of mapped rings, with a shape checked to fit.
    let base: UnsafeMutablePointer<Float>
    /// How the elements are seen; `reshaped` sees the same ones in another way.
    public let shape: Shape

    /// A view of `shape.count` floats at an address that stays mapped while the view is in use.
    @unsafe
    public init(at address: UnsafeMutableRawPointer, _ shape: Shape) {
        unsafe base = address.assumingMemoryBound(to: Float.self)
        self.shape = shape
    }

    /// No elements: the input of the first stage, the output of the last.
    public static var none: Tensor { unsafe Tensor(at: UnsafeMutableRawPointer(bitPattern: 64)!, Shape(0)) }

    /// How many elements it has: the product of the shape's lengths.
    public var count: Int { shape.count }

    /// The same elements as a matrix: all dimensions but the last are folded into rows.
    public var matrix: Matrix {
        unsafe Matrix(base: base, rows: shape.rows, columns: shape.columns, stride: shape.columns)
    }

    /// The same elements under another shape of the same count.
    public func reshaped(_ shape: Shape) -> Tensor {
        if shape.count != count { trap("a view of \(count) elements cannot have shape \(shape)") }
        return unsafe Tensor(at: base, shape)
    }

    /// Rows `range` of the tensor seen as a matrix.
    public func rows(_ range: Range<Int>) -> Tensor {
        if range.lowerBound < 0 || range.upperBound > shape.rows { trap("rows \(range) outside a tensor of \(shape)") }
        return unsafe Tensor(at: base + range.lowerBound * shape.columns, Shape(range.count, shape.columns))
    }

    /// Elements `range` of the tensor seen as a vector.
    public func elements(_ range: Range<Int>) -> Tensor {
        if range.lowerBound < 0 || range.upperBound > count { trap("elements \(range) outside a tensor of \(shape)") }
        return unsafe Tensor(at: base + range.lowerBound, Shape(range.count))
    }

    /// The element at an index in row-major order; one that is not below `count` traps.
    public subscript(index: Int) -> Float {
        get {
            require(index >= 0 && index < count, "element outside the tensor")
            return unsafe base[index]
        }
        nonmutating set {
            require(index >= 0 && index < count, "element outside the tensor")
            unsafe base[index] = newValue
        }
    }

    /// Elements 2 * index and 2 * index + 1 as the memory of one double.
    subscript(double index: Int) -> Double {
        get {
            require(index >= 0 && index < count / 2, "double outside the tensor")
            return unsafe UnsafeRawPointer(base).loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
        }
        nonmutating set {
            require(index >= 0 && index < count / 2, "double outside the tensor")
            unsafe UnsafeMutableRawPointer(base).storeBytes(of: newValue, toByteOffset: 8 * index, as: Double.self)
        }
    }

    /// Overwrites every element by what `value` says of its index.
    public func fill(_ value: (Int) -> Float) {
        for index in 0..<count { unsafe base[index] = value(index) }
    }

    /// Overwrites every element.
    public func fill(_ value: Float) { unsafe base.update(repeating: value, count: count) }

    /// Copies all elements from a tensor of the same count. Never used between stages: hand-offs copy nothing.
    public func copy(from source: Tensor) {
        require(source.count == count, "copy between tensors of different counts")
        unsafe base.update(from: source.base, count: count)
    }

    /// Calls `body` with the elements' bytes, valid for the call only.
    public func withBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: count * 4))
    }

    /// A copy of the elements, for tests and files.
    public var values: [Float] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }
}

/// A strided view of rows: part of a tensor's columns or rows, as one attention head sees them.
@safe
public struct Matrix {
    let base: UnsafeMutablePointer<Float>
    /// As they are seen: of a transposed matrix, the columns that are stored.
    public let rows: Int
    /// As they are seen: of a transposed matrix, the rows that are stored.
    public let columns: Int
    /// Elements from one stored row's start to the next one's.
    public let stride: Int
    /// Whether the stored rows are this matrix's columns.
    public let isTransposed: Bool

    @unsafe
    init(
        base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int, isTransposed: Bool = false
    ) {
        unsafe self.base = base
        self.rows = rows
        self.columns = columns
        self.stride = stride
        self.isTransposed = isTransposed
    }

    /// Rows `range` of it, seen in the same memory. Traps outside of them, and of a transposed matrix.
    public func rows(_ range: Range<Int>) -> Matrix {
        require(range.lowerBound >= 0 && range.upperBound <= rows && !isTransposed, "rows outside the matrix")
        return unsafe Matrix(
            base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }

    /// Columns `range` of it, seen in the same memory. Traps outside of them, and of a transposed matrix.
    public func columns(_ range: Range<Int>) -> Matrix {
        require(
            range.lowerBound >= 0 && range.upperBound <= columns && !isTransposed, "columns outside the matrix")
        return unsafe Matrix(base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    /// For the kernels that go through stored rows.
    @inline(__always)
    func requireStoredAsIs() { require(!isTransposed, "a transposed matrix is for the factors of a product alone") }

    /// The same elements with rows and columns exchanged; nothing is moved. For the factors of a product.
    public var transposed: Matrix {
        unsafe Matrix(base: base, rows: columns, columns: rows, stride: stride, isTransposed: !isTransposed)
    }
}

/// Token numbers in memory that somebody else owns.
@safe
public struct Tokens {
    // Sound for the same reason as in Tensor.
    let base: UnsafeMutablePointer<Int32>
    /// How many tokens it has; 0 for `none`.
    public let count: Int

    /// A view of `count` 32-bit numbers at an address that stays mapped while the view is in use.
    @unsafe
    public init(at address: UnsafeMutableRawPointer, count: Int) {
        unsafe base = address.assumingMemoryBound(to: Int32.self)
        self.count = count
    }

    /// No tokens: what a stage has that reads none.
    public static var none: Tokens { unsafe Tokens(at: UnsafeMutableRawPointer(bitPattern: 64)!, count: 0) }

    /// The token at an index; one that is not below `count` traps.
    public subscript(index: Int) -> Int32 {
        get {
            require(index >= 0 && index < count, "token outside the batch")
            return unsafe base[index]
        }
        nonmutating set {
            require(index >= 0 && index < count, "token outside the batch")
            unsafe base[index] = newValue
        }
    }

    /// A view of a range of them, in which indices count from 0 again. Traps outside of them.
    public subscript(range: Range<Int>) -> Tokens {
        require(range.lowerBound >= 0 && range.upperBound <= count, "tokens outside the batch")
        return unsafe Tokens(at: base + range.lowerBound, count: range.count)
    }

    /// Traps unless every one is at least 0 and below a bound: a kernel takes them for rows in memory.
    func requireBelow(_ bound: Int, _ what: String) {
        // Negative ones are the largest without their sign. A maximum, which a compiler makes of vectors.
        var most: UInt32 = 0
        var index = 0
        while index < count {
            most = unsafe max(most, UInt32(bitPattern: base[index]))
            index += 1
        }
        if count > 0 && Int(most) >= bound {
            trap("token \(Int32(bitPattern: most)) is outside \(what), 0 to \(bound - 1)")
        }
    }
}
