import type { Log } from '../../relay/observe/log.ts';
import { keyOf } from '../core/model.ts';
import type { Plan, PlannedEvent, Snapshot } from '../core/model.ts';
import type { ManifestFault } from './manifest-faults.ts';
import type { Ignored, Problem } from '../manifests/parse.ts';
import { formatSource } from '../manifests/read.ts';
import type { FolderReading } from '../manifests/read.ts';

/** A folder of ten thousand faults is reported by its first hundred. */
const MAX_LINES = 100;
const MAX_KINDS = 8;
/** Where the same happens to more objects of a kind than this, the log gives their number. */
const MAX_ALIKE = 10;

/** Logs what is wrong with the manifests: each fault once, when it appears, and a line when the last one is gone. */
export function createReporter(log: Log): (reading: FolderReading, faults: readonly ManifestFault[]) => void {
  let before = new Set<string>();
  let ignoredBefore = '';

  return ({ problems, ignored }, faults) => {
    const lines = [...problems.map(ofProblem), ...faults.map(ofFault)];
    const now = new Map(lines.map((line) => [`${line.place} ${line.reason} ${line.problem}`, line]));
    const fresh = [...now].filter(([key]) => !before.has(key));
    for (const [, { level, consequence, ...fields }] of fresh.slice(0, MAX_LINES)) {
      log[level]({ event: 'manifest', ...fields }, consequence);
    }
    if (fresh.length > MAX_LINES) log.error({ event: 'manifest' }, `and ${fresh.length - MAX_LINES} more problems`);
    if (before.size > 0 && now.size === 0) log.info({ event: 'manifest' }, 'every manifest can be read again');
    before = new Set(now.keys());

    const summary = summarize(ignored);
    if (summary !== '' && summary !== ignoredBefore) log.info({ event: 'manifest' }, `left alone: ${summary}`);
    ignoredBefore = summary;
  };
}

interface Line {
  readonly level: 'error' | 'warn';
  readonly place: string;
  readonly reason: string;
  readonly problem: string;
  readonly consequence: string;
}

function ofProblem({ source, reason, message }: Problem): Line {
  return {
    level: 'error',
    place: formatSource(source),
    reason,
    problem: message,
    consequence: consequence(reason),
  };
}

function ofFault({ source, rule, effect, message }: ManifestFault): Line {
  const place = formatSource(source);
  const line = { level: 'error', place, reason: 'invalid', problem: message } as const;
  switch (effect) {
    case 'warned':
      return {
        ...line,
        level: 'warn',
        reason: rule,
        consequence: rule === 'empty-file' ? 'a file says nothing' : 'part of an object has no effect',
      };
    case 'kept':
    case 'unread':
      return {
        ...line,
        consequence: 'object cannot be accepted as it is written; its last good version stays in force',
      };
    case 'refused':
      return { ...line, consequence: 'object has no effect: it cannot be accepted as it is written' };
  }
}

function consequence(reason: Problem['reason']): string {
  switch (reason) {
    case 'syntax':
    case 'unreadable':
      return 'manifest cannot be read; its last good version stays in force';
    case 'shape':
    case 'unknown-kind':
    case 'foreign-group':
    case 'bad-name':
      return 'object has no effect as written; its last good version stays in force, and no Secret is deleted until this is corrected';
    case 'duplicate':
      return 'object has no effect: it exists twice';
    case 'too-many':
      return 'objects left out';
  }
}

/** `apps/v1 Deployment (3), v1 ConfigMap (1)` */
function summarize(ignored: readonly Ignored[]): string {
  const counts = new Map<string, number>();
  for (const { what } of ignored) if (what !== '') counts.set(what, (counts.get(what) ?? 0) + 1);
  const parts = [...counts].sort(([, a], [, b]) => b - a).map(([what, count]) => `${what} (${count})`);
  const rest = parts.length - MAX_KINDS;
  return [...parts.slice(0, MAX_KINDS), ...(rest > 0 ? [`and ${rest} other kinds`] : [])].join(', ');
}

/** Logs a plan's events: those that were not in the plan before, since one that isn't settled yet is made again. */
export function createAnnouncer(
  log: Log,
  onEvent: (event: PlannedEvent) => void = () => undefined,
): (plan: Plan) => void {
  let before = new Set<string>();
  return ({ events }) => {
    const now = new Set<string>();
    const fresh = new Map<string, PlannedEvent[]>();
    for (const event of events) {
      const { kind, meta, type, reason, message } = event;
      const line = `${kind} ${keyOf(meta)} ${reason} ${message}`;
      now.add(line);
      if (before.has(line)) continue;
      onEvent(event);
      const alike = `${type} ${kind} ${reason}`;
      const group = fresh.get(alike);
      if (group === undefined) fresh.set(alike, [event]);
      else group.push(event);
    }
    for (const alike of fresh.values()) announceAlike(log, alike);
    before = now;
  };
}

/** A thousand users that can send are one line: each object's own words are in its status. */
function announceAlike(log: Log, events: readonly PlannedEvent[]): void {
  const [first] = events;
  if (first === undefined) return;
  if (events.length <= MAX_ALIKE) {
    for (const { kind, meta, type, reason, message } of events) {
      log[levelOf(type)]({ event: 'object', kind, object: keyOf(meta), reason }, message);
    }
    return;
  }
  const { kind, meta, type, reason, message } = first;
  const fields = { event: 'object', kind, reason, count: events.length };
  log[levelOf(type)](fields, `${events.length} of them, ${keyOf(meta)} the first: ${message}`);
}

function levelOf(type: PlannedEvent['type']): 'warn' | 'info' {
  return type === 'Warning' ? 'warn' : 'info';
}

/** Logs why the smart host of a class cannot be used: tenants are told only that it cannot. */
export function createClassReporter(log: Log): (classes: Snapshot['classes']) => void {
  const before = new Map<string, string>();
  return (classes) => {
    for (const [name, { upstream }] of classes) {
      const message = upstream.kind === 'unresolved' ? upstream.message : '';
      if (message === (before.get(name) ?? '')) continue;
      before.set(name, message);
      const fields = { event: 'upstream', relayClass: name };
      if (message === '') log.info(fields, 'the smart host can be used again');
      else log.error({ ...fields, problem: message }, 'the smart host cannot be used; mail waits in the spool');
    }
  };
}
