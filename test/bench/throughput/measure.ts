/** One server under one load, until its queue is empty. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../operator/errors.ts';
import { freePorts } from '../../support/control-plane/process.ts';
import type { Load, Sink } from './child.ts';
import { openClient } from './client.ts';
import type { Contender, Started } from './contender.ts';

export interface Scenario {
  readonly name: string;
  readonly connections: number;
  readonly isOneShot: boolean;
  readonly size: number;
}

export interface Measured {
  /** Messages a second, by the final 250. */
  readonly accepted: number;
  /** Messages a second, until the last one has come to the smart host. Undefined: it hands nothing on. */
  readonly delivered: number | undefined;
  /** Milliseconds to the final 250. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly cpuPer1000: number;
  readonly peakMb: number;
  /** Accepted, and not handed on in time. */
  readonly left: number;
  readonly failures: number;
}

export interface Around {
  readonly load: Load;
  readonly sink: Sink;
  readonly folder: string;
  readonly seconds: number;
}

const WARM_UP_SHARE = 0.5;
const READY_MS = 60_000;
/** A queue that has not moved for so long does not move any more. */
const STALL_MS = 15_000;

let runs = 0;

/** A fresh process and queue for each run: nobody is measured against what another run has left. */
export async function measure(contender: Contender, scenario: Scenario, around: Around): Promise<Measured> {
  const folder = path.join(around.folder, `${contender.name}-${++runs}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const [port = 0] = await freePorts(1);
  const started = await contender.start({ folder, port, smartHost: around.sink.port });
  try {
    await ready(started, port);
    await load(contender, { started, port, scenario, around }, around.seconds * WARM_UP_SHARE);
    started.group.takePeak();
    return await load(contender, { started, port, scenario, around }, around.seconds);
  } catch (error) {
    throw new Error(`${contender.name}: ${messageOf(error)}; the end of its log:\n${logOf(folder)}`, { cause: error });
  } finally {
    await started.group.stop();
  }
}

const LOG_LINES = 5;

function logOf(folder: string): string {
  const file = path.join(folder, 'log');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  return lines.slice(-LOG_LINES).join('\n');
}

/** When its account can log in. */
async function ready({ group, login }: Started, port: number): Promise<void> {
  const end = performance.now() + READY_MS;
  for (;;) {
    try {
      const client = await Promise.race([openClient(port, login), group.ended]);
      return await client.quit();
    } catch (error) {
      if (performance.now() > end) throw error;
      await Promise.race([sleep(200), group.ended]);
    }
  }
}

interface Run {
  readonly started: Started;
  readonly port: number;
  readonly scenario: Scenario;
  readonly around: Around;
}

async function load({ delivers }: Contender, run: Run, seconds: number): Promise<Measured> {
  const { started, port, scenario, around } = run;
  const { group, login } = started;
  const before = { ...(await around.sink.look()), cpu: group.cpuSeconds(), time: Date.now() };
  const { connections, isOneShot, size } = scenario;
  const report = await around.load.run({ port, login, connections, isOneShot, size, seconds });
  const { accepted, waits, failures } = report;
  const after = delivers ? await emptied(around.sink, before.messages + accepted) : await around.sink.look();
  const delivered = after.messages - before.messages;
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return {
    accepted: accepted / report.seconds,
    delivered: delivers ? (delivered * 1000) / Math.max(after.lastAt - before.time, 1) : undefined,
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    cpuPer1000: ((group.cpuSeconds() - before.cpu) * 1000) / Math.max(accepted, 1),
    peakMb: group.takePeak(),
    left: delivers ? Math.max(accepted - delivered, 0) : 0,
    failures: Object.values(failures).reduce((sum, count) => sum + count, 0),
  };
}

/** Waits until so many messages have come, or none comes any more. */
async function emptied(sink: Sink, expected: number): Promise<Awaited<ReturnType<Sink['look']>>> {
  let seen = await sink.look();
  let movedAt = performance.now();
  while (seen.messages < expected && performance.now() - movedAt < STALL_MS) {
    await sleep(50);
    const now = await sink.look();
    if (now.messages > seen.messages) movedAt = performance.now();
    seen = now;
  }
  return seen;
}
