/**
 * `npm run bench`: what the relay accepts and delivers beside a bare smtp-server, and with `--peers` beside Postfix, in one
 * run: all of them once, then again, since the speed of a machine drifts. What counts is the ratio.
 *
 *     npm run bench -- [--peers] [--peer NAME=COMMAND]... [--rounds 3] [--seconds 8] [--only TEXT] [--workers N]
 *
 * Without --workers, the relay has one, as it has by default.
 *
 *   relay    takes mail over STARTTLS + AUTH, checks it, has it on disk before its 250, and hands it on while it accepts
 *   holding  the same, and keeps it
 *   floor    a bare smtp-server with STARTTLS + AUTH that commits to lmdb in groups: no checks, no log, no delivery
 *   postfix  tuned, doing what the relay does; needs root and Debian's packages, else it is left out
 *
 * A COMMAND runs any other server in the foreground (see throughput/command-contender.ts).
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../operator/errors.ts';
import { startLoad, startSink } from './throughput/child.ts';
import { commandContender } from './throughput/command-contender.ts';
import type { Contender } from './throughput/contender.ts';
import { floor } from './throughput/floor-contender.ts';
import { measure, type Measured, type Scenario } from './throughput/measure.ts';
import { postfix, whyNoPostfix } from './throughput/postfix.ts';
import { buildRelay, relayContender } from './throughput/relay.ts';
import { saveResults } from './results.ts';
import { formatScenario } from './throughput/table.ts';

const { values: flags } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    workers: { type: 'string' },
  },
});

const SCENARIOS: readonly Scenario[] = [
  ...[10, 50, 200].map((connections) => scenario(connections, false, 5000)),
  ...[10, 50].map((connections) => scenario(connections, true, 5000)),
  ...[10, 50, 200].map((connections) => scenario(connections, false, 100_000)),
  ...[10, 50].map((connections) => scenario(connections, true, 100_000)),
];

await buildRelay();
const contenders = contendersOf();
const failed = new Set<Contender>();
const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-bench-'));
// servers that change their user read what is in it
await chmod(folder, 0o755);
const [load, sink] = [startLoad(), await startSink()];
const seconds = Number(flags.seconds);
try {
  for (const one of SCENARIOS.filter(({ name }) => name.includes(flags.only))) {
    const runs = new Map<string, Measured[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < Number(flags.rounds); round++) {
      for (const contender of contenders) {
        if (failed.has(contender)) continue;
        try {
          runs.get(contender.name)?.push(await measure(contender, one, { load, sink, folder, seconds }));
        } catch (error) {
          failed.add(contender);
          console.error(`LEFT OUT FROM NOW ON: ${messageOf(error)}`);
        }
      }
    }
    console.log(formatScenario(one.name, runs));
    await saveResults(`compare ${one.name}`, Object.fromEntries(runs));
  }
} finally {
  load.stop();
  sink.stop();
  await rm(folder, { recursive: true });
}

function contendersOf(): Contender[] {
  const workers = flags.workers === undefined ? [] : ['--workers', flags.workers];
  const all = [relayContender('relay', true, workers), relayContender('holding', false, workers), floor];
  if (flags.peers) {
    const why = whyNoPostfix();
    if (why === undefined) all.push(postfix);
    else console.error(`POSTFIX IS NOT MEASURED: ${why}`);
  }
  for (const peer of flags.peer) {
    const at = peer.indexOf('=');
    if (at < 1) throw new Error(`--peer ${peer}: expected NAME=COMMAND`);
    all.push(commandContender(peer.slice(0, at), peer.slice(at + 1)));
  }
  return all;
}

function scenario(connections: number, isOneShot: boolean, size: number): Scenario {
  const how = isOneShot ? 'one-shot' : 'reused';
  return { name: `${connections} ${how}, ${size / 1000} kB`, connections, isOneShot, size };
}
