/** Puts the entry last, and forgets the first where there are more than `most`: what is kept is the latest. */
export const keepLatest = <K, V>(kept: Map<K, V>, key: K, value: V, most: number): void => {
  kept.delete(key)
  kept.set(key, value)
  if (kept.size > most) kept.delete(kept.keys().next().value!)
}
