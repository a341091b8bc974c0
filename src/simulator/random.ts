/** Numbers from 0 up to but without 1. */
export type Random = () => number;

/**
 * A stream of random numbers of its own for each purpose (arrivals, start-ups, dispatch, …), so that drawing more of one
 * kind never shifts another: two policies under the same seed meet the same load. The generator is sfc32 (Doty-Humphrey,
 * PractRand): 128 bits of state, integer arithmetic only, hence the same on every machine.
 */
export function randomStream(seed: number, purpose: string): Random {
  let a = hash(`${purpose}/a`, seed);
  let b = hash(`${purpose}/b`, seed);
  let c = hash(`${purpose}/c`, seed);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 15; warmUp += 1) next();
  return next;
}

/** FNV-1a over the text, begun with the seed, finished by murmur3's mixer. Texts must differ in more than their first letter. */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let at = 0; at < text.length; at += 1)
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

/** From an exponential distribution of mean 1. */
export function exponential(random: Random): number {
  return -Math.log(1 - random());
}

/** From a normal distribution of mean 0 and deviation 1 (Box and Muller). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}
