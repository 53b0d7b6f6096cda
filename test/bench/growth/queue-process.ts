/** Opens a spool and delivery on it, as a relay does at its start, and prints what that took. */
import { readFileSync } from 'node:fs';
import { startDelivery } from '../../../relay/delivery/deliver.ts';
import { createLog } from '../../../relay/observe/log.ts';
import { createMetrics } from '../../../relay/observe/metrics.ts';
import { openSpool } from '../../../relay/spool/spool.ts';

const [folder = ''] = process.argv.slice(2);
const start = performance.now();
const metrics = createMetrics();
const log = createLog(process.stderr);
const spool = await openSpool(folder, { metrics, log, reserveBytes: () => 0 });
const delivery = startDelivery({ spool, config: () => undefined, captureFolder: `${folder}/outbox`, metrics, log });
const seconds = (performance.now() - start) / 1000;
const messages = [...spool.entries()].length;
const { user, system } = process.cpuUsage();
const status = readFileSync('/proc/self/status', 'utf8');
const megabytes = (field: string) => Number(new RegExp(`^${field}:\\s+([0-9]+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
const [peak, own] = [megabytes('VmHWM'), megabytes('RssAnon')];
process.stdout.write(JSON.stringify({ messages, seconds, cpuSeconds: (user + system) / 1e6, peak, own }));
await delivery.close();
await spool.close();
