/**
 * Counts of durations by size, so that a run of any number of jobs keeps no figure per job. Buckets are exact below 256 µs
 * and no wider than 1/256 of their value above it (the layout of HdrHistogram); a percentile is interpolated within its
 * bucket, hence off by less than 0.4 %.
 */
export class WaitHistogram {
  readonly #counts = new Float64Array((53 - 8 + 2) * 256);
  count = 0;
  sumUs = 0;
  maxUs = 0;

  add(us: number): void {
    const bucket = bucketOf(us);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.count += 1;
    this.sumUs += us;
    if (us > this.maxUs) this.maxUs = us;
  }

  get meanUs(): number {
    return this.count === 0 ? 0 : this.sumUs / this.count;
  }

  /** The value that `share` (0 to 1) of all do not exceed; 0 when there are none. */
  percentileUs(share: number): number {
    const rank = share * this.count;
    let below = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket += 1) {
      const here = this.#counts[bucket] as number;
      if (here > 0 && below + here >= rank) {
        const [from, to] = boundsOf(bucket);
        return Math.min(this.maxUs, from + (to - from) * Math.max(0, (rank - below) / here));
      }
      below += here;
    }
    return this.maxUs;
  }

  /** The share of durations up to each of `edges`, which ascend: a cumulative distribution to draw. */
  sharesUpTo(edgesUs: readonly number[]): readonly number[] {
    const shares: number[] = [];
    let bucket = 0;
    let below = 0;
    for (const edge of edgesUs) {
      while (bucket < this.#counts.length && boundsOf(bucket)[1] <= edge) {
        below += this.#counts[bucket] as number;
        bucket += 1;
      }
      const [from, to] = boundsOf(bucket);
      const part = Math.max(0, Math.min(1, (edge - from) / (to - from)));
      shares.push(this.count === 0 ? 0 : (below + part * (this.#counts[bucket] ?? 0)) / this.count);
    }
    return shares;
  }
}

function bucketOf(us: number): number {
  if (us < 256) return us;
  let value = us;
  let shift = 0;
  while (value >= 2 ** 31) {
    value = Math.floor(value / 2 ** 16);
    shift += 16;
  }
  const exponent = 31 - Math.clz32(value);
  return (exponent + shift - 7) * 256 + ((value >>> (exponent - 8)) & 255);
}

/** From (included) and to (excluded) of a bucket. */
function boundsOf(bucket: number): readonly [number, number] {
  if (bucket < 256) return [bucket, bucket + 1];
  const scale = 2 ** (Math.floor(bucket / 256) - 1);
  const from = (256 + (bucket % 256)) * scale;
  return [from, from + scale];
}
