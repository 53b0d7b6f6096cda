/**
 * The ways for a message to leave: a smart host, the capture folder, or none for as long as the list has no usable
 * upstream.
 */
import { createCapture } from './capture.ts';
import type { UpstreamConfig } from '../config/config.ts';
import { upstreamLabel } from '../observe/tenant-labels.ts';
import type { Transport } from './transport.ts';
import { createUpstreamPool, type PoolOptions } from './upstream-pool.ts';
import { deferred } from './upstream-reply.ts';

export interface TransportOptions extends PoolOptions {
  readonly captureFolder: string;
}

export function createTransport(upstream: UpstreamConfig, options: TransportOptions): Transport {
  switch (upstream.kind) {
    case 'capture':
      return createCapture(options.captureFolder);
    case 'smtp': {
      const pool = createUpstreamPool(upstream, options);
      return {
        label: upstreamLabel(upstream),
        limit: () => upstream.maxConnections,
        ...pool,
      };
    }
    case 'unresolved':
      return unresolved(upstream.message);
  }
}

/** Mail waits here for a configuration that says where it goes. */
function unresolved(message: string): Transport {
  const verdict = deferred('4.3.5', message);
  return {
    label: 'unresolved',
    limit: () => 1,
    deliver: () => Promise.resolve({ kind: 'unreachable', verdict }),
    sweep: () => {},
    close: () => {},
  };
}
