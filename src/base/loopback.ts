/** Whether a server that listens on this host can be reached from its own machine alone. Of names only `localhost` is known to mean that. */
export const isLoopback = (host: string): boolean =>
  /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|\[::1\])$/i.test(host) && host.split('.').every((part) => !(Number(part) > 255))
