/** The suffixes of Kubernetes' quantities. */
const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const quantity = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/;

/** A quantity of Kubernetes, `50m` or `1.5Gi` or `1e3`, as a number; null for anything else. */
export function parseQuantity(value: string): number | null {
  const [, digits, exponent = "", suffix = ""] = quantity.exec(value) ?? [];
  if (digits === undefined) return null;
  const number = Number(`${digits}${exponent}`) * (factors[suffix] ?? Number.NaN);
  return Number.isFinite(number) ? number : null;
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A decimal number as Go reads one; null for anything else, infinities included. */
export function parseDecimal(value: string): number | null {
  const number = decimal.test(value) ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}
