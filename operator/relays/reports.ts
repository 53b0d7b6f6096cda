/**
 * What relays answer, made into facts that hold still: a status is written for each change of them. Whatever is told of a list
 * stays so for a minute; the time and the words of the last error are renewed the more rarely the longer the trouble lasts.
 */
import type { KnownUpstreams, UpstreamTrouble } from '../../relay/observe/upstream-report.ts';
import { isEqual } from '../core/equal.ts';
import type { RelaysFact, UpstreamFact } from '../core/model.ts';
import { compareText } from '../core/time.ts';

/** What one relay says of itself. */
export interface RelayAnswer {
  readonly upstreams: KnownUpstreams;
  readonly isFull: boolean;
  /** Tells one run of it from the next. */
  readonly startTime: string;
}

export interface RelayReports {
  /** The answers of all relays of a class that are ready, by name; undefined of one that gave none. */
  readonly take: (className: string, answers: ReadonlyMap<string, RelayAnswer | undefined>) => void;
  readonly of: (className: string) => RelaysFact | undefined;
}

export interface RelayReportsOptions {
  readonly onChange?: (className: string, before: RelaysFact | undefined, after: RelaysFact) => void;
  /** Milliseconds; it only goes forward. */
  readonly now?: () => number;
  /** How long what is told of a list stays so, at least; milliseconds. */
  readonly tellMs?: number | undefined;
}

const TELL_MS = 60_000;
const RENEW_MOST_MS = 600_000;
/** A relay that did not answer may be busy, or the network; two looks or three. */
const SILENT_MS = 90_000;
/** A rolling restart, and the time that relays need to find out anew that an upstream is in trouble. */
const RESTART_MS = 300_000;

interface ClassState {
  fact: RelaysFact | undefined;
  /** When each list was told of last. */
  readonly toldAt: Map<string, number>;
  /** The last answer of each relay. */
  known: ReadonlyMap<string, RelayAnswer>;
  /** Whether the same answers would come to the same fact at any later time. */
  isSettled: boolean;
  silentSince: number | undefined;
  /** When a relay last went, or started anew: what it knew is not known any more. */
  otherRunSince: number;
}

export function createRelayReports(options: RelayReportsOptions = {}): RelayReports {
  const { onChange = () => undefined, now = () => performance.now(), tellMs = TELL_MS } = options;
  const classes = new Map<string, ClassState>();

  function stateOf(className: string): ClassState {
    const known = classes.get(className);
    if (known !== undefined) return known;
    const fresh: ClassState = {
      fact: undefined,
      toldAt: new Map(),
      known: new Map(),
      isSettled: false,
      silentSince: undefined,
      otherRunSince: -Infinity,
    };
    classes.set(className, fresh);
    return fresh;
  }

  function put(className: string, state: ClassState, fact: RelaysFact): void {
    const before = state.fact;
    if (before !== undefined && isSame(before, fact)) return;
    state.fact = fact;
    onChange(className, before, fact);
  }

  function hear(className: string, state: ClassState, known: ReadonlyMap<string, RelayAnswer>): void {
    const time = now();
    if (isOtherRun(state.known, known)) state.otherRunSince = time;
    if (state.isSettled && isSameAnswers(state.known, known)) return;
    state.known = known;
    const { upstreams, isSettled } = settle(state, mergeReports(known), { time, tellMs });
    state.isSettled = isSettled;
    const full = [...known].filter(([, { isFull }]) => isFull).map(([name]) => name);
    put(className, state, { isSilent: false, of: known.size, full, upstreams });
  }

  return {
    of: (className) => classes.get(className)?.fact,
    take: (className, answers) => {
      // none that is ready: that is told in another way
      if (answers.size === 0) return;
      const state = stateOf(className);
      if ([...answers.values()].some((answer) => answer !== undefined)) {
        state.silentSince = undefined;
        return hear(className, state, withLast(answers, state.known));
      }
      state.silentSince ??= now();
      if (now() - state.silentSince < SILENT_MS) return;
      state.isSettled = false;
      put(className, state, SILENT);
    },
  };
}

/** In the order of their names. One that is busy for a moment says what it said. */
function withLast(
  answers: ReadonlyMap<string, RelayAnswer | undefined>,
  last: ReadonlyMap<string, RelayAnswer>,
): ReadonlyMap<string, RelayAnswer> {
  const names = [...answers.keys()].sort(compareText);
  return new Map(
    names.flatMap((name) => {
      const answer = answers.get(name) ?? last.get(name);
      return answer === undefined ? [] : [[name, answer] as const];
    }),
  );
}

function isOtherRun(before: ReadonlyMap<string, RelayAnswer>, after: ReadonlyMap<string, RelayAnswer>): boolean {
  return [...before].some(([name, { startTime }]) => after.get(name)?.startTime !== startTime);
}

function isSameAnswers(a: ReadonlyMap<string, RelayAnswer>, b: ReadonlyMap<string, RelayAnswer>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([name, one]) => {
    const other = b.get(name);
    // whoever asks hands on the same where the relay has said nothing new
    return other !== undefined && other.upstreams === one.upstreams && other.isFull === one.isFull;
  });
}

const SILENT: RelaysFact = { isSilent: true, of: 0, full: [], upstreams: new Map() };

function isSame(a: RelaysFact, b: RelaysFact): boolean {
  const { upstreams: ofA, ...restA } = a;
  const { upstreams: ofB, ...restB } = b;
  return isEqual(restA, restB) && ofA.size === ofB.size && [...ofA].every(([list, fact]) => ofB.get(list) === fact);
}

/** What all relays say of each list. */
function mergeReports(answers: ReadonlyMap<string, RelayAnswer>): ReadonlyMap<string, UpstreamFact> {
  const merged = new Map<string, { failing: string[]; trouble: UpstreamTrouble | undefined }>();
  for (const [name, { upstreams }] of answers) {
    for (const { lists, trouble } of upstreams) {
      for (const list of lists) {
        const one = merged.get(list) ?? { failing: [], trouble: undefined };
        merged.set(list, one);
        if (trouble === undefined) continue;
        one.failing.push(name);
        one.trouble = one.trouble === undefined ? trouble : worse(one.trouble, trouble);
      }
    }
  }
  const of = answers.size;
  const facts = new Map<string, UpstreamFact>();
  for (const [list, { failing, trouble }] of merged) {
    facts.set(list, trouble === undefined ? { failing, of } : { failing, of, trouble });
  }
  return facts;
}

/** Since the earlier time, with the later error. */
function worse(a: UpstreamTrouble, b: UpstreamTrouble): UpstreamTrouble {
  const { time, error } = a.time < b.time ? b : a;
  return { since: a.since < b.since ? a.since : b.since, time, error };
}

/** What is to be told of each list by now: the same value as before where that holds still. */
function settle(
  { fact, toldAt, otherRunSince }: ClassState,
  merged: ReadonlyMap<string, UpstreamFact>,
  { time, tellMs }: { readonly time: number; readonly tellMs: number },
): { readonly upstreams: ReadonlyMap<string, UpstreamFact>; readonly isSettled: boolean } {
  const before = fact?.upstreams ?? new Map<string, UpstreamFact>();
  const upstreams = new Map<string, UpstreamFact>();
  let isSettled = true;
  for (const [list, next] of merged) {
    const last = before.get(list);
    const isNews = last === undefined || !isCloseEnough(last, next);
    const isTooSoon = time - (toldAt.get(list) ?? -Infinity) < tellMs;
    if (isNews && !isTooSoon) toldAt.set(list, time);
    if (isNews && isTooSoon) isSettled = false;
    const told = isNews && !isTooSoon ? next : last;
    if (told !== undefined) upstreams.set(list, told);
  }
  // nobody knows of it any more: a restart is no news about an upstream
  const isRestart = time - otherRunSince < RESTART_MS;
  for (const [list, last] of before) {
    if (merged.has(list) || !isRestart || last.trouble === undefined) continue;
    upstreams.set(list, last);
    isSettled = false;
  }
  for (const [list, at] of toldAt) if (!merged.has(list) && time - at >= tellMs) toldAt.delete(list);
  return { upstreams, isSettled };
}

/** Whether a status need not be written for the difference. */
function isCloseEnough(last: UpstreamFact, next: UpstreamFact): boolean {
  if (last.trouble === undefined || next.trouble === undefined) return last.trouble === next.trouble;
  if (last.of !== next.of || last.trouble.since !== next.trouble.since || !isEqual(last.failing, next.failing))
    return false;
  const told = Date.parse(last.trouble.time);
  const age = Date.parse(next.trouble.time) - told;
  const soFar = told - Date.parse(last.trouble.since);
  return age < Math.min(Math.max(TELL_MS, soFar), RENEW_MOST_MS);
}
