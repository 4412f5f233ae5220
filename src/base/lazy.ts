/** What takes long to make and is seldom asked for: it is made when it is asked for first. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
}
