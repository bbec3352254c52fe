/** Keeps the end of a stream of bytes. */
export class TailBuffer {
  private readonly most: number
  private chunks: Buffer[] = []
  private length = 0

  /** @param most bytes that are kept */
  constructor(most: number) {
    this.most = most
  }

  add(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.length += chunk.length
    while (this.length - (this.chunks[0]?.length ?? 0) >= this.most)
      this.length -= this.chunks.shift()?.length ?? 0
  }

  /** Returns the end as text, from the first whole character on. */
  text(): string {
    const whole = Buffer.concat(this.chunks)
    let from = Math.max(0, whole.length - this.most)
    // A byte of the form 10xxxxxx continues a character (RFC 3629).
    if (from > 0) while (from < whole.length && ((whole[from] ?? 0) & 0xc0) === 0x80) from += 1
    return whole.subarray(from).toString('utf8')
  }
}
