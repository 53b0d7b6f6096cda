/** Delivers what lies in a spool to a port, and prints its log, until it is killed. */
import { writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { startDelivery } from '../../relay/delivery/deliver.ts';
import { createLog } from '../../relay/observe/log.ts';
import { createMetrics } from '../../relay/observe/metrics.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { configured } from '../support/delivering.ts';
import { aSmartHost } from '../support/upstream.ts';

const [folder = '', port = ''] = process.argv.slice(2);
const metrics = createMetrics();
const log = createLog(
  new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      writeSync(1, chunk);
      done();
    },
  }),
);
const spool = await openSpool(folder, { metrics, log, reserveBytes: () => 0 });
const config = configured(aSmartHost(Number(port)), { settings: { retryFirstSeconds: 3600, retryMostSeconds: 3600 } });
startDelivery({ spool, config: () => config, captureFolder: `${folder}/outbox`, metrics, log });
