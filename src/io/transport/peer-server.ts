import { type Server, createServer } from 'node:http'

/** An HTTP server for a process that has none of its own: it listens, and knows no page. */
export function listenForPeers({ host, port }: { readonly host: string; readonly port: number }): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('no such page\n')
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}
