/**
 * What relays answer about use, added up and made into facts that hold still: a status is written for each change of them. A
 * fact changes every few minutes at the most, and no more of them in a second than an API server does not notice.
 */
import type { Tally, UsageReport } from '../../relay/observe/usage-report.ts';
import { monthOf } from '../../relay/usage/months.ts';
import { addTo, type Tallies } from '../../relay/usage/tally.ts';
import { REASONS_MAX, type Traffic } from '../api/traffic.ts';
import { isEqual } from '../core/equal.ts';
import { compareText, formatTime } from '../core/time.ts';
import type { PausedStatus } from '../api/sending.ts';
import type { UsageFact } from '../core/usage.ts';

export interface UsageFacts {
  /** The answers of all relays that are ready, by name; undefined of one that gave none. */
  readonly take: (answers: ReadonlyMap<string, UsageReport | undefined>) => void;
  /** The fact about `SmtpPlusUser NAMESPACE/NAME`, say; undefined where relays have not been heard about it yet. */
  readonly of: (object: string) => UsageFact | undefined;
  readonly all: () => ReadonlyMap<string, UsageFact>;
  readonly close: () => void;
}

export interface UsageFactsOptions {
  /** Those that there are. */
  readonly objects: () => Iterable<string>;
  /** These facts have changed. */
  readonly onChange: (objects: readonly string[]) => void;
  /** Milliseconds; it only goes forward. */
  readonly now?: () => number;
  /** How long a fact stays as it is, at least; milliseconds. */
  readonly holdMs?: number | undefined;
}

const HOLD_MS = 240_000;
/** Facts that change at once: 40 in a second, spread over it, so that no second sees more than 50 writes. */
const CHANGES_MOST = 10;
const TURN_MS = 250;
/** A relay that does not answer is waited for so often before the others count without it. */
const MISSED_MOST = 3;
/** A pod that is replaced is away for so long; what it has counted is there again with its disk. */
const AWAY_MS = 600_000;
/** To the second would be a write for each log-in. */
const ROUNDED_MS = 300_000;

interface Heard {
  readonly report: UsageReport;
  readonly at: number;
}

export function createUsageFacts(options: UsageFactsOptions): UsageFacts {
  const { objects, onChange, now = () => performance.now(), holdMs = HOLD_MS } = options;
  const heard = new Map<string, Heard>();
  const facts = new Map<string, UsageFact>();
  const changedAt = new Map<string, number>();
  /** What differs from its fact, in the order in which that was noticed. */
  const pending = new Map<string, UsageFact>();
  let missed = 0;
  const timer = setInterval(turn, TURN_MS);
  timer.unref();

  function turn(): void {
    const time = now();
    const ripe: string[] = [];
    for (const [object, fact] of pending) {
      if (ripe.length >= CHANGES_MOST) break;
      if (time - (changedAt.get(object) ?? -Infinity) < holdMs) continue;
      change(object, fact);
      ripe.push(object);
    }
    if (ripe.length > 0) onChange(ripe);
  }

  function change(object: string, fact: UsageFact): void {
    pending.delete(object);
    facts.set(object, fact);
    changedAt.set(object, now());
  }

  /** Whether all have answered that are to be counted. */
  function hear(answers: ReadonlyMap<string, UsageReport | undefined>): boolean {
    const at = now();
    for (const [name, report] of answers) if (report !== undefined) heard.set(name, { report, at });
    for (const [name, one] of heard) if (!answers.has(name) && at - one.at > AWAY_MS) heard.delete(name);
    const isWhole = [...answers.keys()].every((name) => heard.has(name));
    missed = isWhole ? 0 : missed + 1;
    return heard.size > 0 && (isWhole || missed > MISSED_MOST);
  }

  function compare(): void {
    const { sums, since, standing } = addUp([...heard.values()]);
    const urgent: string[] = [];
    const there = new Set(objects());
    for (const known of [facts, pending])
      for (const object of known.keys()) if (!there.has(object)) known.delete(object);
    for (const object of changedAt.keys()) if (!there.has(object)) changedAt.delete(object);
    for (const object of there) {
      const before = facts.get(object);
      const fact = { ...factOf(sums.get(object), since.get(object)), ...standing(object) };
      if (before !== undefined && isSame(before, fact)) pending.delete(object);
      else if (isPausedAnew(before, fact)) {
        change(object, fact);
        urgent.push(object);
      } else pending.set(object, fact);
    }
    if (urgent.length > 0) onChange(urgent);
  }

  return {
    take: (answers) => {
      if (answers.size > 0 && hear(answers)) compare();
    },
    of: (object) => facts.get(object),
    all: () => new Map(facts),
    close: () => clearInterval(timer),
  };
}

/** By object; `since` the first of the relays that tell of it. */
function addUp(heard: readonly Heard[]) {
  const sums: Tallies = new Map();
  const since = new Map<string, string>();
  const add = (object: string, tally: Tally, from: string): void => {
    addTo(sums, object, tally);
    const before = since.get(object);
    if (before === undefined || from < before) since.set(object, from);
  };
  for (const { report } of heard) {
    for (const [key, tally] of Object.entries(report.lists)) add(`SmtpPlusList ${key}`, tally, report.since);
    for (const [key, tally] of Object.entries(report.users)) add(`SmtpPlusUser ${key}`, tally, report.since);
  }
  return { sums, since, standing: standingIn(heard) };
}

/** What is told of users beside their day: the month of their quota, and the first pause by any relay. */
function standingIn(heard: readonly Heard[]): (object: string) => Pick<UsageFact, 'month' | 'paused'> {
  const today = monthOf(Date.now());
  const messages = new Map<string, number>();
  const pauses = new Map<string, PausedStatus>();
  for (const { report } of heard) {
    for (const [key, { month, paused }] of Object.entries(report.users)) {
      if (month?.name === today) messages.set(key, (messages.get(key) ?? 0) + month.messages);
      if (paused === undefined) continue;
      const { since, bounced, judged, resume } = paused;
      const earlier = pauses.get(key);
      // a mark that was set later has the later pause
      if (earlier === undefined || since > earlier.since) pauses.set(key, { since, bounced, of: judged, resume });
    }
  }
  return (object) => {
    if (!object.startsWith(USER)) return {};
    const key = object.slice(USER.length);
    const paused = pauses.get(key);
    return {
      month: { name: today, messages: messages.get(key) ?? 0 },
      ...(paused !== undefined && { paused: { ...paused, since: formatTime(new Date(paused.since)) } }),
    };
  };
}

const USER = 'SmtpPlusUser ';

function factOf(tally: Tally | undefined, since: string | undefined): UsageFact {
  if (tally === undefined || since === undefined) return NOTHING;
  const { lastLogin = '', lastMessage = '' } = tally;
  const lastUsed = lastLogin > lastMessage ? lastLogin : lastMessage;
  return { traffic: trafficOf(tally, since), ...(lastUsed !== '' && { lastUsedTime: rounded(lastUsed) }) };
}

const NOTHING: UsageFact = {};

function trafficOf(tally: Tally, since: string): Traffic {
  const { accepted = 0, recipients = 0, bytes = 0, delivered = 0, bounced = 0, deferred = 0 } = tally;
  const reasons = Object.entries(tally.refused ?? {}).map(([reason, count]) => ({ reason, count }));
  const refusals = reasons.sort((a, b) => b.count - a.count || compareText(a.reason, b.reason)).slice(0, REASONS_MAX);
  return {
    since: formatTime(new Date(since)),
    accepted,
    recipients,
    bytes,
    delivered,
    bounced,
    deferred,
    refused: reasons.reduce((sum, { count }) => sum + count, 0),
    ...(refusals.length > 0 && { refusals }),
  };
}

/** The other relays are to hear of it soon: until then, they take its mail. */
function isPausedAnew(before: UsageFact | undefined, { paused }: UsageFact): boolean {
  return paused !== undefined && !isEqual(paused, before?.paused);
}

/** The day that it is about goes on by itself: where nothing was counted and nothing has become too old, it is no news. */
function isSame({ traffic: a, ...restA }: UsageFact, { traffic: b, ...restB }: UsageFact): boolean {
  return isEqual(restA, restB) && isEqual({ ...a, since: '' }, { ...b, since: '' });
}

/** And none that is still to come, where the clock of a relay is ahead: a status would keep it. */
function rounded(time: string): string {
  const past = Math.min(Date.parse(time), Date.now());
  return formatTime(new Date(Math.floor(past / ROUNDED_MS) * ROUNDED_MS));
}
