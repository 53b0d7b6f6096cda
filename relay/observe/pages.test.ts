import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pagesOf } from './pages.ts';
import type { WorkerState } from '../workers/worker-state.ts';

const WELL: WorkerState = {
  startTime: '2026-01-01T00:00:00.000Z',
  fault: undefined,
  className: 'default',
  tokenHash: undefined,
  readTime: '2026-01-01T00:00:00.000Z',
  documents: {},
  certificate: '',
  certificateNotAfter: '2026-03-01T00:00:00.000Z',
  shutdownSeconds: 25,
  usageMetrics: 0,
  spoolFullSince: undefined,
  spoolFill: { percent: 10, namespaces: {} },
  handoverPort: undefined,
  upstreams: [],
  queue: { messages: 0, lists: {} },
};

function pagesFor(...states: Partial<WorkerState>[]) {
  return pagesOf({
    states: () => states.map((state) => Object.assign({}, WELL, state)),
    metrics: () => Promise.resolve({ contentType: '', body: '' }),
    furtherMetrics: undefined,
    usage: () => ({ since: '', lists: {}, users: {} }),
    counters: { metrics: () => Promise.resolve(''), concern: () => undefined },
    isClosing: () => false,
  });
}

const filled = (percent: number) => ({ spoolFill: { percent, namespaces: { shop: 99 } } });

test('a relay whose spool is nearly full stays ready, and says how full it is', () => {
  assert.equal(pagesFor(filled(79)).concern?.(), undefined);
  for (const states of [[filled(80)], [filled(20), filled(80)]]) {
    const pages = pagesFor(...states);
    assert.equal(pages.unready(), undefined);
    assert.equal(pages.concern?.(), 'the spool is 80 % full: soon mail is refused with 452');
  }
});

test('a relay of which one worker refuses mail for want of room says that, and names no tenant', () => {
  const pages = pagesFor(filled(90), { ...filled(100), spoolFullSince: '2026-01-01T00:00:00.000Z' });
  assert.equal(pages.unready(), undefined);
  assert.equal(pages.concern?.(), 'the spool is full: mail is refused with 452');
});
