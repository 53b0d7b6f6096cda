/**
 * Ends a connection where a new one is one too many. `server.maxConnections` refuses the new one instead, and so who merely
 * holds connections open would keep everybody else out: the kubelet's probes, and have the relay restarted; relays that hand
 * over their mail, and have it wait on a volume.
 */
import type { Server, Socket } from 'node:net';

interface BoundConnections {
  /** Those in the middle of their handshake, of which an HTTPS server that closes all of its connections does not know. */
  readonly endUnproven: () => void;
}

/** The oldest goes first. On a server with TLS, one that has got through its handshake does not go for one that has not. */
export function boundConnections(server: Server, most: number): BoundConnections {
  // in the order in which they came: a Set keeps the order of insertion
  const connections = new Set<Socket>();
  let proven = 0;

  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    if (connections.size + proven <= most) return;
    const [oldest = socket] = connections;
    connections.delete(oldest);
    oldest.destroy();
  });
  server.on('secureConnection', (secure: Socket) => {
    const raw = [...connections].find((one) => isSame(one, secure));
    if (raw === undefined) return;
    connections.delete(raw);
    proven++;
    raw.once('close', () => proven--);
  });
  return {
    endUnproven: () => {
      for (const socket of connections) socket.destroy();
    },
  };
}

/** TLS has a socket of its own, which does not say over which one it goes. */
function isSame(raw: Socket, secure: Socket): boolean {
  return raw.remotePort === secure.remotePort && raw.remoteAddress === secure.remoteAddress;
}
