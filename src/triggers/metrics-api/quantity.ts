/** Suffixes of Kubernetes quantities (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/). */
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

const quantity = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/** The number that a quantity such as `64`, `1.5k` or `2Gi` stands for; null for any other text. */
export function parseQuantity(text: string): number | null {
  const [, digits, exponent = "0", suffix = ""] = quantity.exec(text) ?? [];
  if (digits === undefined) return null;
  return Number(`${digits}e${exponent}`) * (factors[suffix] ?? Number.NaN);
}
