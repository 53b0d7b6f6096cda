/** Listens on many ports for one server: those that must be had, and those of a range that may be missing. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Listening {
  /** In the order asked for; a port 0 has become a real one. */
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** Ports that were not opened, of both kinds. */
  readonly skippedPorts: readonly SkippedPort[];
  /** Stops listening; open connections go on. */
  readonly close: () => Promise<void>;
}

export interface SkippedPort {
  readonly port: number;
  readonly reason: 'in use' | 'not permitted';
}

export interface ListenOptions {
  /** Address to listen on. Default: all, of IPv6 and IPv4, as far as the system has them. */
  readonly host?: string | undefined;
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** Those of both kinds that may be missing, since somebody else has them or this user may not open them. Default: none. */
  readonly optionalPorts?: ReadonlySet<number> | undefined;
  /** Other processes of this user may listen there too: the system divides the connections among all. Default: nobody may. */
  readonly isShared?: boolean;
}

interface ConnectionTarget {
  readonly connect: (socket: Socket) => void;
  readonly connectImplicitTls: (socket: Socket) => void;
}

/** Connections that wait to be accepted; the system may allow fewer (somaxconn). */
const BACKLOG = 1024;

/** What is the matter with one port. Anything else (no such address, too many open files) is the matter with all of them. */
const SKIPPABLE: Readonly<Record<string, SkippedPort['reason']>> = { EADDRINUSE: 'in use', EACCES: 'not permitted' };

/**
 * Opens the ports. Rejects with the system's error, which names the port, where one that must be had cannot be opened, or
 * where none at all could: nothing listens then.
 */
export async function listen(
  server: ConnectionTarget,
  { host, ports, implicitTlsPorts, optionalPorts = new Set(), isShared = false }: ListenOptions,
): Promise<Listening> {
  const where = { host, isShared };
  const plain = await Promise.all(ports.map((port) => open(server.connect, { ...where, port })));
  const implicit = await Promise.all(
    implicitTlsPorts.map((port) => open(server.connectImplicitTls, { ...where, port })),
  );
  const results = [...plain, ...implicit];
  const listeners = results.flatMap((result) => ('listener' in result ? [result.listener] : []));
  const failures = results.filter((result) => 'error' in result);
  const skipped = failures.map((failure) => skip(failure, optionalPorts));
  const isNeeded = listeners.length === 0;
  const failure = failures.find((_, index) => isNeeded || skipped[index] === undefined);
  const closeAll = async (): Promise<void> => void (await Promise.all(listeners.map(close)));
  if (failure !== undefined) {
    await closeAll();
    throw failure.error;
  }
  return {
    ports: portsOf(plain),
    implicitTlsPorts: portsOf(implicit),
    skippedPorts: skipped.filter((one) => one !== undefined),
    close: closeAll,
  };
}

interface Failure {
  readonly error: NodeJS.ErrnoException;
  readonly port: number;
}

type Opened = { readonly listener: Server; readonly port: number } | Failure;

function skip({ error, port }: Failure, optionalPorts: ReadonlySet<number>): SkippedPort | undefined {
  const reason = SKIPPABLE[error.code ?? ''];
  return reason === undefined || !optionalPorts.has(port) ? undefined : { port, reason };
}

interface Place {
  readonly host: string | undefined;
  readonly port: number;
  readonly isShared: boolean;
}

function open(connect: (socket: Socket) => void, { host, port, isShared }: Place): Promise<Opened> {
  return new Promise((resolve) => {
    // replies are whole when written: waiting to fill a segment would only add the peer's delayed acknowledgement
    const listener = createServer({ noDelay: true }, connect);
    listener.once('error', (error) => resolve({ error, port }));
    listener.listen({ host, port, backlog: BACKLOG, exclusive: true, reusePort: isShared }, () => {
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
