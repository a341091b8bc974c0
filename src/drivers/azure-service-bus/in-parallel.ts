/** `work` for every item, at most `most` at a time. Rejects with the first failure, after all that had begun are over. */
export async function inParallel<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  let failure: { readonly error: unknown } | null = null;
  const runAll = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      if (failure !== null) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, runAll));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return results;
}
