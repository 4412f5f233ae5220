declare const brand: unique symbol

/** A type that must not be mixed with others of the same representation. It exists only in the compiler. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Milliseconds on a monotonic clock whose origin means nothing, or a length of time. */
export type Millis = Brand<number, 'Millis'>

/** Milliseconds since 1970 on a wall clock, which may jump. */
export type WallMillis = Brand<number, 'WallMillis'>

export const millis = (value: number): Millis => value as Millis
export const wallMillis = (value: number): WallMillis => value as WallMillis
