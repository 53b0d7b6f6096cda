/** How many workers there are. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { WORKERS_MAX, type WorkersSetting } from './setting.ts';

interface Machine {
  /** That this process may use: its CPU quota counts, as far as Node sees it. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** Whether several processes can listen on one port. */
  readonly canSharePorts: () => Promise<boolean>;
}

/** Memory for one worker, with its part of the parent: under load it takes up to 200 MB. */
const WORKER_BYTES = 256 * 1024 * 1024;

/** Rejects where there are to be several, and this system cannot have them. */
export async function workersFor(wish: WorkersSetting, machine: Machine = thisMachine()): Promise<number> {
  const { cores, memoryBytes, canSharePorts } = machine;
  const wanted = wish === 'auto' ? Math.min(cores, Math.floor(memoryBytes / WORKER_BYTES), WORKERS_MAX) : wish;
  if (wanted <= 1) return 1;
  if (await canSharePorts()) return wanted;
  if (wish === 'auto') return 1;
  throw new Error(
    `workers is ${wish}, and processes cannot share a port here: that needs Linux (or FreeBSD 12), and Node 22.12 or later. ` +
      'Set workers to 1, which works everywhere',
  );
}

function thisMachine(): Machine {
  // 0 where nothing limits it; a limit that is no limit is larger than the machine
  const limit = process.constrainedMemory() || Infinity;
  return { cores: availableParallelism(), memoryBytes: Math.min(limit, totalmem()), canSharePorts };
}

/** Tried, since a system that cannot says so in its own way, and an old Node does not even look at the option. */
async function canSharePorts(): Promise<boolean> {
  const servers: Server[] = [];
  try {
    const first = await listenOn(0, servers);
    await listenOn(first, servers);
    return true;
  } catch {
    return false;
  } finally {
    for (const server of servers) server.close();
  }
}

async function listenOn(port: number, servers: Server[]): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  server.listen({ host: '127.0.0.1', port, exclusive: true, reusePort: true });
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
