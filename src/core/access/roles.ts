/** What a token is for. An `admin` may do what all the others may, and look after queues, locks and the cluster. */
export const roles = ['admin', 'lock', 'produce', 'consume', 'cache-read', 'cache-write'] as const
export type Role = (typeof roles)[number]

export const isRole = (text: unknown): text is Role => roles.some((role) => role === text)
