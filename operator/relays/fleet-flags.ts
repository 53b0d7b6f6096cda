/** Command-line flags of a relay that is one of a fleet, whose spools are on volumes that may outlive it. */
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { PlaceInFleet } from '../../relay/handover/handover.ts';

export interface FleetFlags {
  /** `HOST:PORT`: a name that leads to all relays of the fleet, and their port for mail from other relays. */
  readonly peers?: string;
  readonly handoverPort?: number;
  readonly name?: string;
  /** File for the number of messages that are left in the spool at the end. */
  readonly lastWords?: string;
  readonly host?: string;
}

const PEERS = /^(\[[0-9a-f:.]+\]|[^:\s]+):(\d{1,5})$/i;

/** Undefined: it is no `HOST:PORT`. */
export function readPeers(text: string): PlaceInFleet['peers'][number] | undefined {
  const [, host, port] = PEERS.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

/** Undefined: the relay is alone. */
export function fleetOf({ peers, handoverPort, name = hostname(), host }: FleetFlags): PlaceInFleet | undefined {
  const where = peers === undefined ? undefined : readPeers(peers);
  return where && { name, peers: [where], port: handoverPort ?? where.port, host };
}

/** For a kubelet, which shows it as the message of a container that has ended. */
export async function writeLastWords({ lastWords }: FleetFlags, left: number | undefined): Promise<void> {
  if (lastWords !== undefined && left !== undefined) await writeFile(lastWords, JSON.stringify({ queued: left }));
}
