/** Listens on many ports for one server. A port that somebody else has is skipped and reported. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Listening {
  /** In the order asked for; a port 0 has become a real one. */
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** Ports that could not be opened, of both kinds. */
  readonly skippedPorts: readonly number[];
  /** Stops listening; open connections go on. */
  readonly close: () => Promise<void>;
}

export interface ListenOptions {
  /** Address to listen on. Default: all, of IPv6 and IPv4, as far as the system has them. */
  readonly host?: string | undefined;
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
}

interface ConnectionTarget {
  readonly connect: (socket: Socket) => void;
  readonly connectImplicitTls: (socket: Socket) => void;
}

/** Connections that wait to be accepted; the system may allow fewer (somaxconn). */
const BACKLOG = 1024;

/** Opens the ports. Throws where not one of them could be opened, with the reason of the first. */
export async function listen(
  server: ConnectionTarget,
  { host, ports, implicitTlsPorts }: ListenOptions,
): Promise<Listening> {
  const plain = await Promise.all(ports.map((port) => open(server.connect, host, port)));
  const implicit = await Promise.all(implicitTlsPorts.map((port) => open(server.connectImplicitTls, host, port)));
  const failures = [...plain, ...implicit].filter((result) => 'error' in result);
  const listeners = [...plain, ...implicit].filter((result) => 'listener' in result);
  const [failure] = failures;
  if (listeners.length === 0 && failure !== undefined) throw failure.error;
  return {
    ports: portsOf(plain),
    implicitTlsPorts: portsOf(implicit),
    skippedPorts: failures.map(({ port }) => port),
    close: async () => {
      await Promise.all(listeners.map(({ listener }) => close(listener)));
    },
  };
}

type Opened = { readonly listener: Server; readonly port: number } | { readonly error: Error; readonly port: number };

function open(connect: (socket: Socket) => void, host: string | undefined, port: number): Promise<Opened> {
  return new Promise((resolve) => {
    // replies are whole when written: waiting to fill a segment would only add the peer's delayed acknowledgement
    const listener = createServer({ noDelay: true }, connect);
    listener.once('error', (error) => resolve({ error, port }));
    listener.listen({ host, port, backlog: BACKLOG, exclusive: true }, () => {
      // a listener that fails later (out of descriptors) must not end the process
      listener.on('error', () => undefined);
      resolve({ listener, port: (listener.address() as AddressInfo).port });
    });
  });
}

function portsOf(results: readonly Opened[]): number[] {
  return results.flatMap((result) => ('listener' in result ? [result.port] : []));
}

function close(listener: Server): Promise<void> {
  return new Promise((resolve) => {
    listener.close(() => resolve());
    // sessions outlive their listener: `close` calls back only after the last of them, which we do not wait for
    resolve();
  });
}
