/**
 * BLAKE3 of public content, unkeyed, 32-byte output. Every payload is hashed once by its author and once by each receiver, so this
 * is the largest cost of the protocol. The state of a compression is in local variables, and nothing is allocated per block.
 *
 * Source: O'Connor, Aumasson, Neves, Wilcox-O'Hearn, "BLAKE3: one function, fast everywhere", sections 2.1 to 2.5. Checked
 * against the authors' test vectors and @noble/hashes in gossip's test/protocol/blake3.test.ts and share's test/tree.test.ts.
 *
 * Gain over @noble/hashes from end to end (two nodes, `npm run -s bench -- gossip`, messages a second as a share of the bare
 * binding's, three runs each alternately on a shared machine): about 10 % at 100 B, about 25 % at 1,024 B.
 */

const BLOCK_BYTES = 64
const CHUNK_BYTES = 1024

// Section 2.2, table 3.
const CHUNK_START = 1
const CHUNK_END = 2
const PARENT = 4
const ROOT = 8

// Section 2.2, table 1: SHA-256's initial values, as signed 32-bit integers like all words below.
const IV_0 = 0x6a09e667 | 0
const IV_1 = 0xbb67ae85 | 0
const IV_2 = 0x3c6ef372 | 0
const IV_3 = 0xa54ff53a | 0
const IV_4 = 0x510e527f | 0
const IV_5 = 0x9b05688c | 0
const IV_6 = 0x1f83d9ab | 0
const IV_7 = 0x5be0cd19 | 0
const IV = Int32Array.of(IV_0, IV_1, IV_2, IV_3, IV_4, IV_5, IV_6, IV_7)

/**
 * Writes the hash as 8 little-endian words to `out`, which must have 8 elements.
 *
 * @since 0.1.0
 * @category operations
 */
export const blake3Words = (input: Uint8Array, out: Int32Array): void => subtree(input, 0, ROOT, out)

/**
 * The hash: 32 bytes.
 *
 * @since 0.1.0
 * @category operations
 */
export const blake3 = (input: Uint8Array): Uint8Array => {
  const words = new Int32Array(8)
  blake3Words(input, words)
  return bytesOf(words)
}

/**
 * The chaining value, 32 bytes, of a part of a longer input: a whole subtree of its hash tree (section 2.1). `firstChunk` is the number of 1,024-byte
 * chunks before it, below 2^31, and a multiple of the part's length in chunks, rounded up to a power of two. The part is not the whole input: its hash is {@link blake3}.
 *
 * @since 0.1.0
 * @category operations
 */
export const blake3Subtree = (part: Uint8Array, firstChunk: number): Uint8Array => {
  const words = new Int32Array(8)
  subtree(part, firstChunk, 0, words)
  return bytesOf(words)
}

/**
 * The chaining value of two subtrees of 32 bytes each, or the hash if they are the two halves of the whole input (section 2.5).
 *
 * @since 0.1.0
 * @category operations
 */
export const blake3Parent = (left: Uint8Array, right: Uint8Array, isRoot: boolean): Uint8Array =>
  bytesOf(join(wordsOf(left), wordsOf(right), isRoot ? ROOT : 0))

const bytesOf = (words: Int32Array): Uint8Array => {
  const bytes = new Uint8Array(32)
  for (let i = 0; i < 32; i++) bytes[i] = words[i >> 2]! >>> (8 * (i & 3))
  return bytes
}

const wordsOf = (bytes: Uint8Array): Int32Array => {
  const words = new Int32Array(8)
  for (let i = 0; i < 32; i++) words[i >> 2]! |= bytes[i]! << (8 * (i & 3))
  return words
}

const subtree = (input: Uint8Array, firstChunk: number, rootFlag: number, out: Int32Array): void => {
  const chunks = Math.max(1, Math.ceil(input.length / CHUNK_BYTES))
  if (chunks === 1) {
    chunk(input, 0, input.length, firstChunk, rootFlag, out)
    return
  }
  // Chaining values of complete subtrees, the largest first: one for each bit set in the number of chunks so far.
  const stack: Array<Int32Array> = []
  for (let index = 0; index < chunks - 1; index++) {
    let value: Int32Array = new Int32Array(8)
    chunk(input, index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES, firstChunk + index, 0, value)
    for (let done = index + 1; (done & 1) === 0; done >>>= 1) value = join(stack.pop()!, value, 0)
    stack.push(value)
  }
  let value: Int32Array = new Int32Array(8)
  chunk(input, (chunks - 1) * CHUNK_BYTES, input.length, firstChunk + chunks - 1, 0, value)
  while (stack.length > 1) value = join(stack.pop()!, value, 0)
  out.set(join(stack[0]!, value, rootFlag))
}

/** The words of the block that is compressed next. Shared: nothing here is asynchronous. */
const block = new Int32Array(16)

/** The chaining value of two subtrees (section 2.5). */
const join = (left: Int32Array, right: Int32Array, flags: number): Int32Array => {
  block.set(left, 0)
  block.set(right, 8)
  const out = Int32Array.from(IV)
  compress(out, 0, BLOCK_BYTES, PARENT | flags)
  return out
}

/** The chaining value of a chunk, input from `start` to `end`, at most 1,024 bytes (section 2.4). */
const chunk = (
  input: Uint8Array,
  start: number,
  end: number,
  counter: number,
  lastFlags: number,
  out: Int32Array,
): void => {
  out.set(IV)
  let position = start
  let flags = CHUNK_START
  while (end - position > BLOCK_BYTES) {
    for (let i = 0; i < 16; i++, position += 4) {
      block[i] =
        input[position]! | (input[position + 1]! << 8) | (input[position + 2]! << 16) | (input[position + 3]! << 24)
    }
    compress(out, counter, BLOCK_BYTES, flags)
    flags = 0
  }
  block.fill(0)
  for (let i = position; i < end; i++) {
    const offset = i - position
    block[offset >> 2]! |= input[i]! << (8 * (offset & 3))
  }
  compress(out, counter, end - position, flags | CHUNK_END | lastFlags)
}

/** The compression function (section 2.2), with `block` as its message; `cv` is replaced by the new chaining value. */
const compress = (cv: Int32Array, counter: number, length: number, flags: number): void => {
  let v0 = cv[0]!
  let v1 = cv[1]!
  let v2 = cv[2]!
  let v3 = cv[3]!
  let v4 = cv[4]!
  let v5 = cv[5]!
  let v6 = cv[6]!
  let v7 = cv[7]!
  let v8 = IV_0
  let v9 = IV_1
  let v10 = IV_2
  let v11 = IV_3
  let v12 = counter
  let v13 = 0 // the counter's high half: inputs here are below 2^31 chunks, 2 TiB
  let v14 = length
  let v15 = flags
  let m0 = block[0]!
  let m1 = block[1]!
  let m2 = block[2]!
  let m3 = block[3]!
  let m4 = block[4]!
  let m5 = block[5]!
  let m6 = block[6]!
  let m7 = block[7]!
  let m8 = block[8]!
  let m9 = block[9]!
  let m10 = block[10]!
  let m11 = block[11]!
  let m12 = block[12]!
  let m13 = block[13]!
  let m14 = block[14]!
  let m15 = block[15]!
  for (let round = 0; ; round++) {
    // G0: column 0
    v0 = (v0 + v4 + m0) | 0
    v12 ^= v0
    v12 = (v12 >>> 16) | (v12 << 16)
    v8 = (v8 + v12) | 0
    v4 ^= v8
    v4 = (v4 >>> 12) | (v4 << 20)
    v0 = (v0 + v4 + m1) | 0
    v12 ^= v0
    v12 = (v12 >>> 8) | (v12 << 24)
    v8 = (v8 + v12) | 0
    v4 ^= v8
    v4 = (v4 >>> 7) | (v4 << 25)
    // G1: column 1
    v1 = (v1 + v5 + m2) | 0
    v13 ^= v1
    v13 = (v13 >>> 16) | (v13 << 16)
    v9 = (v9 + v13) | 0
    v5 ^= v9
    v5 = (v5 >>> 12) | (v5 << 20)
    v1 = (v1 + v5 + m3) | 0
    v13 ^= v1
    v13 = (v13 >>> 8) | (v13 << 24)
    v9 = (v9 + v13) | 0
    v5 ^= v9
    v5 = (v5 >>> 7) | (v5 << 25)
    // G2: column 2
    v2 = (v2 + v6 + m4) | 0
    v14 ^= v2
    v14 = (v14 >>> 16) | (v14 << 16)
    v10 = (v10 + v14) | 0
    v6 ^= v10
    v6 = (v6 >>> 12) | (v6 << 20)
    v2 = (v2 + v6 + m5) | 0
    v14 ^= v2
    v14 = (v14 >>> 8) | (v14 << 24)
    v10 = (v10 + v14) | 0
    v6 ^= v10
    v6 = (v6 >>> 7) | (v6 << 25)
    // G3: column 3
    v3 = (v3 + v7 + m6) | 0
    v15 ^= v3
    v15 = (v15 >>> 16) | (v15 << 16)
    v11 = (v11 + v15) | 0
    v7 ^= v11
    v7 = (v7 >>> 12) | (v7 << 20)
    v3 = (v3 + v7 + m7) | 0
    v15 ^= v3
    v15 = (v15 >>> 8) | (v15 << 24)
    v11 = (v11 + v15) | 0
    v7 ^= v11
    v7 = (v7 >>> 7) | (v7 << 25)
    // G4: diagonal 0
    v0 = (v0 + v5 + m8) | 0
    v15 ^= v0
    v15 = (v15 >>> 16) | (v15 << 16)
    v10 = (v10 + v15) | 0
    v5 ^= v10
    v5 = (v5 >>> 12) | (v5 << 20)
    v0 = (v0 + v5 + m9) | 0
    v15 ^= v0
    v15 = (v15 >>> 8) | (v15 << 24)
    v10 = (v10 + v15) | 0
    v5 ^= v10
    v5 = (v5 >>> 7) | (v5 << 25)
    // G5: diagonal 1
    v1 = (v1 + v6 + m10) | 0
    v12 ^= v1
    v12 = (v12 >>> 16) | (v12 << 16)
    v11 = (v11 + v12) | 0
    v6 ^= v11
    v6 = (v6 >>> 12) | (v6 << 20)
    v1 = (v1 + v6 + m11) | 0
    v12 ^= v1
    v12 = (v12 >>> 8) | (v12 << 24)
    v11 = (v11 + v12) | 0
    v6 ^= v11
    v6 = (v6 >>> 7) | (v6 << 25)
    // G6: diagonal 2
    v2 = (v2 + v7 + m12) | 0
    v13 ^= v2
    v13 = (v13 >>> 16) | (v13 << 16)
    v8 = (v8 + v13) | 0
    v7 ^= v8
    v7 = (v7 >>> 12) | (v7 << 20)
    v2 = (v2 + v7 + m13) | 0
    v13 ^= v2
    v13 = (v13 >>> 8) | (v13 << 24)
    v8 = (v8 + v13) | 0
    v7 ^= v8
    v7 = (v7 >>> 7) | (v7 << 25)
    // G7: diagonal 3
    v3 = (v3 + v4 + m14) | 0
    v14 ^= v3
    v14 = (v14 >>> 16) | (v14 << 16)
    v9 = (v9 + v14) | 0
    v4 ^= v9
    v4 = (v4 >>> 12) | (v4 << 20)
    v3 = (v3 + v4 + m15) | 0
    v14 ^= v3
    v14 = (v14 >>> 8) | (v14 << 24)
    v9 = (v9 + v14) | 0
    v4 ^= v9
    v4 = (v4 >>> 7) | (v4 << 25)
    if (round === 6) break
    // The permutation between rounds (table 2): word i becomes word p(i) of the old ones.
    let t = m0
    m0 = m2
    m2 = m3
    m3 = m10
    m10 = m12
    m12 = m9
    m9 = m11
    m11 = m5
    m5 = t
    t = m1
    m1 = m6
    m6 = m4
    m4 = m7
    m7 = m13
    m13 = m14
    m14 = m15
    m15 = m8
    m8 = t
  }
  cv[0] = v0 ^ v8
  cv[1] = v1 ^ v9
  cv[2] = v2 ^ v10
  cv[3] = v3 ^ v11
  cv[4] = v4 ^ v12
  cv[5] = v5 ^ v13
  cv[6] = v6 ^ v14
  cv[7] = v7 ^ v15
}
