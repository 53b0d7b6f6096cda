import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface FaultyProxy {
  readonly url: string;
  /** Resets every open connection. */
  readonly cut: () => void;
  /** From now on open connections carry no byte, without an end: what a lost route looks like. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly close: () => void;
}

/** A TCP proxy in front of the API server, to take the network away from one client. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => frozen || to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => sockets.forEach((socket) => socket.resetAndDestroy()),
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      frozen = false;
    },
    close: () => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}
