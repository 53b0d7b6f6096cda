/**
 * How one certificate follows another without a moment in which a client that verifies by its Secret would refuse it:
 *
 *   offered -> its authority goes into the Secrets of all users -> they all have it -> `announce` passes -> relays are given the
 *   certificate -> all of them use it -> `keep` passes -> the authority of the one before goes out of the Secrets
 *
 * Each arrow is one write of the state, and everything else follows from the state: whoever dies between two of them, the next
 * one goes on from there. A certificate of an authority that everybody has waits for nothing.
 */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { fingerprintOf } from '../../relay/fingerprint.ts';
import { pairSchema, readPair, timesOf } from './pair.ts';

const offerSchema = pairSchema.extend({
  /** PEM of each authority that clients need to verify it. */
  authorities: z.array(z.string()),
  /** Every system has them: by themselves they need not be told to anybody. */
  isPublic: z.boolean().default(false),
});

/** A certificate that relays are to have sooner or later. */
export type Offer = z.infer<typeof offerSchema>;

const trustedSchema = z.object({
  pem: z.string(),
  isPublic: z.boolean().default(false),
  /** Since when it has been in the Secret of each user. */
  told: z.iso.datetime().optional(),
  /** Since when no relay has used a certificate of it. */
  unused: z.iso.datetime().optional(),
});

type Trusted = z.infer<typeof trustedSchema>;

const stateSchema = z.object({
  /** The operator's own authority, where it makes certificates. */
  authority: z.object({ pem: z.string(), key: z.string() }).optional(),
  /** What relays are given. */
  served: offerSchema.optional(),
  /** What they will be given. */
  next: offerSchema.optional(),
  /** What users are told to verify relays by. */
  trusted: z.array(trustedSchema).default([]),
});

export type State = z.infer<typeof stateSchema>;

export const NOTHING_YET: State = { trusted: [] };

/** What was kept, where it is one and nobody has damaged it. */
export function readState(value: unknown): State | undefined {
  const state = stateSchema.safeParse(value).data;
  if (state === undefined) return undefined;
  const pairs = [state.served, state.next].filter((one) => one !== undefined);
  const authorities = [...state.trusted.map(({ pem }) => pem), ...pairs.flatMap((pair) => pair.authorities)];
  const isSound = pairs.every((pair) => 'chain' in readPair(pair)) && authorities.every(isCertificate);
  return isSound ? state : undefined;
}

/** As it is kept: the same state is the same text. */
export function textOf(state: State): string {
  return JSON.stringify(stateSchema.parse(state));
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).toString() === pem;
  } catch {
    return false;
  }
}

export interface TurnOverFacts {
  readonly now: Date;
  /** The Secret of each user has what `bundleOf` says of the state. */
  readonly isTold: boolean;
  /** Fingerprints of the certificates that the relays use, one for each; undefined where not all of them say. */
  readonly running: readonly string[] | undefined;
}

export interface Timing {
  readonly announceSeconds: number;
  readonly keepSeconds: number;
}

/** Secrets have room for no more; whoever changes authorities faster than they are forgotten loses the oldest. */
const TRUSTED_MAX = 8;
/** Before the end of a certificate, the next one comes into use whoever has not been told. */
const LAST_MOMENT_MS = 60 * 60 * 1000;
const LAST_SHARE = 0.05;
const LONG_AGO = new Date(0).toISOString();

/** PEM of what clients verify relays by; undefined: what every system has. */
export function bundleOf({ trusted }: State): string | undefined {
  if (trusted.every(({ isPublic }) => isPublic)) return undefined;
  return trusted.map(({ pem }) => pem).join('');
}

export function turnOver(state: State, offer: Offer | undefined, facts: TurnOverFacts, timing: Timing): State {
  const told = facts.isTold ? noteTold(state, facts) : state;
  return forget(promote(offer === undefined ? told : take(told, offer), facts, timing), facts, timing);
}

function noteTold(state: State, { now }: TurnOverFacts): State {
  const trusted = state.trusted.map((one) => (one.told === undefined ? { ...one, told: now.toISOString() } : one));
  return { ...state, trusted };
}

function take(state: State, offer: Offer): State {
  if (state.served === undefined) {
    // nobody relies on anything yet, so that it waits for nothing
    return { ...state, served: offer, trusted: withAuthorities(state.trusted, offer, LONG_AGO) };
  }
  const trusted = withAuthorities(state.trusted, offer);
  if (!isSamePair(state.served, offer)) return { ...state, next: offer, trusted };
  const { next: _, ...rest } = state;
  return { ...rest, served: offer, trusted };
}

function withAuthorities(trusted: readonly Trusted[], { authorities, isPublic }: Offer, told?: string): Trusted[] {
  const fresh = authorities.filter((pem) => trusted.every((one) => one.pem !== pem));
  return [...trusted, ...fresh.map((pem) => ({ pem, isPublic, told }))];
}

function promote(state: State, { now }: TurnOverFacts, { announceSeconds }: Timing): State {
  const { next, served, ...rest } = state;
  if (next === undefined || served === undefined) return state;
  const latest = now.getTime() - announceSeconds * 1000;
  const isKnown = next.authorities.every((pem) => {
    const { told } = state.trusted.find((one) => one.pem === pem) ?? {};
    return told !== undefined && Date.parse(told) <= latest;
  });
  return isKnown || now.getTime() >= lastMoment(served.cert) ? { ...rest, served: next } : state;
}

function lastMoment(cert: string): number {
  const { notBefore, notAfter } = timesOf(new X509Certificate(cert));
  return notAfter - Math.min(LAST_MOMENT_MS, LAST_SHARE * (notAfter - notBefore));
}

function forget(state: State, { now, running }: TurnOverFacts, { keepSeconds }: Timing): State {
  const { served, next } = state;
  if (served === undefined) return state;
  const inUse = new Set([...served.authorities, ...(next?.authorities ?? [])]);
  const fingerprint = fingerprintOf(served.cert);
  const isOldGone = (running ?? []).length > 0 && running?.every((one) => one === fingerprint) === true;
  const trusted = state.trusted.flatMap((one): Trusted[] => {
    const { unused, ...used } = one;
    if (inUse.has(one.pem)) return [used];
    if (hasExpired(one.pem, now)) return [];
    if (unused === undefined) return [isOldGone ? { ...one, unused: now.toISOString() } : one];
    return Date.parse(unused) + keepSeconds * 1000 <= now.getTime() ? [] : [one];
  });
  const tooMany = trusted.length - TRUSTED_MAX;
  const surplus = new Set(trusted.filter(({ pem }) => !inUse.has(pem)).slice(0, Math.max(0, tooMany)));
  return { ...state, trusted: trusted.filter((one) => !surplus.has(one)) };
}

function hasExpired(pem: string, now: Date): boolean {
  return timesOf(new X509Certificate(pem)).notAfter <= now.getTime();
}

export function isSamePair(one: Pick<Offer, 'cert' | 'key'>, other: Pick<Offer, 'cert' | 'key'>): boolean {
  return one.cert === other.cert && one.key === other.key;
}
