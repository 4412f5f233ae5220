import { TcpNetwork } from './transport-tcp.ts'
import { conformTransport } from './transport.ts'

conformTransport('TCP', () => new TcpNetwork())
