/**
 * Which keys a domain should have: how they begin, take turns and go. A key is made, published, used once it has been
 * seen in the DNS, and kept for as long as mail that was signed with it may be on its way.
 */
import type { DnsEvidence } from '../model.ts';
import type { DkimGeneration, DkimKeyPair, DkimKeys, KeysWish } from './dkim-model.ts';
import { after, parseTime } from '../time.ts';

/** What look-ups have found out about the records of keys, by selector. */
export type KeyEvidence = Readonly<Record<string, DnsEvidence>>;

export interface KeysVerdict {
  /** The oldest first. */
  readonly generations: readonly DkimGeneration[];
  /** Those that sign; none while no record was seen. */
  readonly signing: readonly DkimKeyPair[];
  /** Where the keys are to be others than there are. */
  readonly wish?: KeysWish;
  /** When that changes with time alone. */
  readonly until?: Date;
}

/** One that signs or is to sign, and one besides: the next, or the one before. */
const GENERATIONS_MAX = 2;
/** Mail waits up to five days for its last hop (RFC 5321 section 4.5.4.1), and is verified again by some who read it later. */
const RETIRED_SECONDS = 7 * 24 * 3600;

interface Circumstances {
  readonly domain: string;
  readonly isWanted: boolean;
  /** Absent: only once keys are lost. */
  readonly intervalSeconds: number | undefined;
  readonly evidence: KeyEvidence;
  readonly now: Date;
}

export function judgeKeys(keys: DkimKeys | undefined, circumstances: Circumstances): KeysVerdict {
  const { domain, isWanted, evidence, now } = circumstances;
  const all = keys?.domain === domain ? keys.generations : [];
  const signing = isWanted ? signingAmong(all, evidence) : undefined;
  const kept = all.filter((generation) => isKept(generation, now));
  const retiring = kept.filter((generation) => isSuperseded(generation, all, signing, isWanted));
  const isNewWanted = isWanted && isNewDue(kept, retiring, signing, circumstances);
  const room = kept.slice(-(isNewWanted ? GENERATIONS_MAX - 1 : GENERATIONS_MAX));
  const isOther = isNewWanted || retiring.length > 0 || room.length !== (keys?.generations.length ?? 0);
  const until = nextTime(kept, signing, circumstances);
  return {
    generations: all,
    signing: signing?.keys.filter((key) => isUsable(evidence[key.selector])) ?? [],
    ...(isOther && {
      wish: { domain, basis: selectorsOf(keys?.generations), kept: room, retiring: selectorsOf(retiring), isNewWanted },
    }),
    ...(until !== undefined && { until }),
  };
}

export function selectorsOf(generations: readonly DkimGeneration[] = []): readonly string[] {
  return generations.flatMap(({ keys }) => keys.map(({ selector }) => selector));
}

/** The newest of those that receivers can verify: by RSA, since not all know Ed25519. */
function signingAmong(all: readonly DkimGeneration[], evidence: KeyEvidence): DkimGeneration | undefined {
  const seen = (algorithms: readonly DkimKeyPair['algorithm'][]) =>
    all.findLast(
      ({ retiredTime, keys }) =>
        retiredTime === undefined &&
        keys.some((key) => algorithms.includes(key.algorithm) && isUsable(evidence[key.selector])),
    );
  return seen(['rsa-sha256']) ?? seen(['ed25519-sha256']);
}

/**
 * A record that was there and is gone leaves the key in use: a signature that cannot be verified counts as none (RFC 6376
 * section 6.1), so that nothing is lost, and mail is signed again as soon as it is back. One with another value says that
 * the key is not to be used any more.
 */
function isUsable(evidence: DnsEvidence | undefined): boolean {
  return evidence?.foundTime !== undefined && evidence.outcome !== 'mismatch';
}

function isSuperseded(
  generation: DkimGeneration,
  all: readonly DkimGeneration[],
  signing: DkimGeneration | undefined,
  isWanted: boolean,
): boolean {
  if (generation.retiredTime !== undefined) return false;
  return !isWanted || (signing !== undefined && all.indexOf(generation) < all.indexOf(signing));
}

/** When the records of a generation may go. */
export function endOf({ retiredTime }: DkimGeneration): Date | undefined {
  const time = parseTime(retiredTime);
  return time && after(time, RETIRED_SECONDS);
}

function isKept(generation: DkimGeneration, now: Date): boolean {
  const end = endOf(generation);
  return end === undefined || end > now;
}

function isNewDue(
  kept: readonly DkimGeneration[],
  retiring: readonly DkimGeneration[],
  signing: DkimGeneration | undefined,
  circumstances: Circumstances,
): boolean {
  if (kept.every((one) => one.retiredTime !== undefined || retiring.includes(one))) return true;
  const due = rotationOf(kept, signing, circumstances);
  return due !== undefined && due <= circumstances.now;
}

/** The next ones are made while one signs and none else is there, so that never more than two are published. */
function rotationOf(
  kept: readonly DkimGeneration[],
  signing: DkimGeneration | undefined,
  { intervalSeconds }: Circumstances,
): Date | undefined {
  if (signing === undefined || kept.length > 1 || intervalSeconds === undefined) return undefined;
  return after(parseTime(signing.createdTime) ?? new Date(0), intervalSeconds);
}

function nextTime(
  kept: readonly DkimGeneration[],
  signing: DkimGeneration | undefined,
  circumstances: Circumstances,
): Date | undefined {
  const times = [...kept.map(endOf), rotationOf(kept, signing, circumstances)];
  const ahead = times.flatMap((time) => (time !== undefined && time > circumstances.now ? [time.getTime()] : []));
  return ahead.length === 0 ? undefined : new Date(Math.min(...ahead));
}
