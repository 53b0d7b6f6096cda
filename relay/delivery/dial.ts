/**
 * Connects to whichever of several addresses answers first (RFC 8305, happy eyeballs): each gets a short head start
 * before the next is tried beside it, so that an address that swallows packets costs a moment and a slow one can still
 * win.
 */
import { connect, isIPv6, type Socket } from 'node:net';

/** RFC 8305 section 5. */
const NEXT_AFTER_MS = 250;

/** Rejects where no address answers, with what each said, or with the signal's reason. */
export function dial(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  const untried = alternate(addresses);
  const attempts = new Set<Socket>();
  const problems: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  let timer: NodeJS.Timeout | undefined;

  function end(winner?: Socket): void {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    untried.length = 0;
    for (const socket of attempts) if (socket !== winner) socket.destroy();
    attempts.clear();
  }

  function onAbort(): void {
    end();
    reject(signal.reason as Error);
  }

  function tryNext(): void {
    clearTimeout(timer);
    const address = untried.shift();
    if (address !== undefined) attempt(address);
    else if (attempts.size === 0) {
      end();
      reject(new Error(problems.join('; ')));
    }
  }

  function attempt(address: string): void {
    const socket = connect({ host: address, port });
    attempts.add(socket);
    socket.once('connect', () => {
      end(socket);
      resolve(socket);
    });
    socket.on('error', (error) => {
      // one that lost the race, or that is somebody else's by now
      if (!attempts.delete(socket)) return;
      problems.push(error.message);
      tryNext();
    });
    timer = setTimeout(tryNext, NEXT_AFTER_MS);
  }

  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  else tryNext();
  return promise;
}

/** One of each family in turn, beginning with the family of the first: a network may lack either. */
export function alternate(addresses: readonly string[]): string[] {
  const [first = ''] = addresses;
  const ofFirst = addresses.filter((address) => isIPv6(address) === isIPv6(first));
  const others = addresses.filter((address) => isIPv6(address) !== isIPv6(first));
  return ofFirst.flatMap((address, i) => [address, ...others.slice(i, i + 1)]).concat(others.slice(ofFirst.length));
}
