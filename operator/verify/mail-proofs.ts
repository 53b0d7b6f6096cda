/**
 * Does what the plan asks for about addresses: tries codes and sends mails, and keeps the results. Each step is kept
 * before the next one is taken: being killed in between sends one mail too many, and never verifies anything.
 */
import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { WRONG_CODES_MAX, type MailEvidence, type MailWish } from '../core/mail-evidence.ts';
import { createDueTurns } from './due-turns.ts';
import type { EvidenceStore } from './evidence-store.ts';
import {
  afterDeparture,
  afterFailure,
  afterLoss,
  afterMail,
  afterProof,
  afterRefusal,
  afterReturn,
  afterWrongCode,
  beforeMail,
  isForgettable,
  isOpen,
  NOTHING_KNOWN,
} from './mail-evidence.ts';
import { mailRefusalOf, type MailLimits } from './mail-limits.ts';

export type MailStep = 'sent' | 'failed' | 'limited' | 'link' | 'code' | 'wrong_code' | 'void' | 'expired';

/** What goes into a mail; neither token nor code is kept anywhere else. */
export interface OutgoingChallenge {
  /** `NAMESPACE/ADDRESS`. */
  readonly key: string;
  /** `NAMESPACE/NAME` of the VerifiedSender. */
  readonly sender: string;
  readonly token: string;
  readonly code: string;
  readonly expiryTime: string;
}

export interface MailProofsOptions {
  /** Undefined: what is known has not been read yet. */
  readonly store: () => EvidenceStore<MailEvidence> | undefined;
  readonly linkHash: (token: string) => string;
  readonly codeHash: (key: string, linkHash: string, code: string) => string;
  readonly limits: MailLimits;
  /** Resolves to why the mail could not be handed in; undefined: it was. */
  readonly send: (challenge: OutgoingChallenge) => Promise<string | undefined>;
  /** Something else is known of an address. */
  readonly onEvidence: (key: string) => void;
  readonly onStep: (step: MailStep) => void;
  readonly onTrouble: (message: string) => void;
  readonly now?: () => Date;
  /** Shortest time between two turns of one address; milliseconds. */
  readonly shortestMs?: number;
}

export interface MailProofs {
  /** What the latest plan asks for about a VerifiedSender (`NAMESPACE/NAME`); undefined: it is gone, or names no address. */
  readonly set: (sender: string, wish: MailWish | undefined) => void;
  /** The link of this hash was confirmed. Resolves once that is kept. */
  readonly confirm: (key: string, linkHash: string) => Promise<void>;
  readonly isIdle: () => boolean;
  readonly close: () => void;
}

const AT_ONCE = 4;
const SHORTEST_MS = 2000;
const TIDY_MS = 600_000;
const TOKEN_BYTES = 32;

export function createMailProofs(options: MailProofsOptions): MailProofs {
  const { store, onEvidence, onStep, onTrouble, now = () => new Date(), shortestMs = SHORTEST_MS } = options;
  /** Addresses that are named, with what each VerifiedSender asks for. */
  const named = new Map<string, Map<string, MailWish>>();
  const keyOfSender = new Map<string, string>();

  function evidenceOf(key: string): MailEvidence {
    return store()?.of(key) ?? NOTHING_KNOWN;
  }

  /** What is known changes at once, and is on disk when this resolves. */
  async function keep(key: string, evidence: MailEvidence): Promise<void> {
    try {
      await store()?.keep(key, evidence);
    } finally {
      onEvidence(key);
    }
  }

  async function act(key: string): Promise<void> {
    const wishes = [...(named.get(key)?.values() ?? [])];
    for (const { code } of wishes) if (code !== undefined) await tryCode(key, code);
    const due = wishes.filter((wish) => wish.due !== undefined && new Date(wish.due) <= now());
    const first = due.find(({ instead }) => instead === evidenceOf(key).challenge?.linkHash);
    if (first !== undefined && evidenceOf(key).proof === undefined) await sendOne(key, first, resendsOf(due));
  }

  async function tryCode(key: string, code: string): Promise<void> {
    const evidence = evidenceOf(key);
    const { challenge } = evidence;
    if (challenge === undefined || !isOpen(evidence, now())) return;
    const hash = options.codeHash(key, challenge.linkHash, code);
    if (challenge.wrongCodes.includes(hash)) return;
    if (isSame(hash, challenge.codeHash)) {
      onStep('code');
      return keep(key, afterProof(evidence, 'Code', now()));
    }
    onStep(challenge.wrongCodes.length + 1 >= WRONG_CODES_MAX ? 'void' : 'wrong_code');
    return keep(key, afterWrongCode(evidence, hash));
  }

  async function sendOne(key: string, { sender, isLost }: MailWish, resend: readonly string[]): Promise<void> {
    const known = isLost ? afterLoss(evidenceOf(key), now()) : evidenceOf(key);
    const refusal = mailRefusalOf(key, store()?.all() ?? [], { limits: options.limits, now: now() });
    if (refusal !== undefined) {
      onStep('limited');
      return keep(key, afterRefusal(known, refusal));
    }
    const [token, code] = [randomBytes(TOKEN_BYTES).toString('base64url'), newCode()];
    const linkHash = options.linkHash(token);
    const hashes = { linkHash, codeHash: options.codeHash(key, linkHash, code) };
    const before = beforeMail(known, hashes, { resend, now: now() });
    await keep(key, before);
    const expiryTime = before.challenge?.expiryTime ?? '';
    const problem = await options.send({ key, sender, token, code, expiryTime }).catch(String);
    // somebody may have confirmed it meanwhile, which changes nothing of when it was sent
    const evidence = evidenceOf(key);
    if (problem !== undefined)
      onTrouble(`VerifiedSender ${sender}: the mail to its address could not be sent: ${problem}`);
    onStep(problem === undefined ? 'sent' : 'failed');
    await keep(key, problem === undefined ? afterMail(evidence, now()) : afterFailure(evidence, problem, now()));
  }

  const turns = createDueTurns<readonly MailWish[]>({
    dueOf: (wishes) => new Date(Math.min(...wishes.map(dueTime))),
    act,
    onError: (key, error) => onTrouble(`the proof by mail of ${namespaceOf(key)} could not be kept: ${String(error)}`),
    now,
    atOnce: AT_ONCE,
    shortestMs,
  });

  function set(sender: string, wish: MailWish | undefined): void {
    const before = keyOfSender.get(sender);
    if (before !== undefined && before !== wish?.key) leave(sender, before);
    if (wish === undefined) return;
    const { key } = wish;
    const wishes = named.get(key) ?? arrive(key);
    keyOfSender.set(sender, key);
    wishes.set(sender, wish);
    schedule(key);
  }

  function arrive(key: string): Map<string, MailWish> {
    const wishes = new Map<string, MailWish>();
    named.set(key, wishes);
    const evidence = store()?.of(key);
    if (evidence?.goneSince !== undefined) note(key, afterReturn(evidence, now()));
    return wishes;
  }

  function leave(sender: string, key: string): void {
    keyOfSender.delete(sender);
    const wishes = named.get(key);
    wishes?.delete(sender);
    if (wishes?.size === 0) {
      named.delete(key);
      depart(key);
    }
    schedule(key);
  }

  function depart(key: string): void {
    const evidence = store()?.of(key);
    if (evidence === undefined) return;
    if (isForgettable(evidence, now())) forget([key]);
    else note(key, afterDeparture(evidence, now()));
  }

  function note(key: string, evidence: MailEvidence): void {
    keep(key, evidence).catch((error: unknown) =>
      onTrouble(`the proof by mail of ${namespaceOf(key)} could not be kept: ${String(error)}`),
    );
  }

  function forget(keys: readonly string[]): void {
    const forgotten = store()?.forget(keys);
    forgotten?.catch((error: unknown) => onTrouble(`proofs by mail of past senders: ${String(error)}`));
  }

  function schedule(key: string): void {
    const wishes = [...(named.get(key)?.values() ?? [])].filter((wish) => dueTime(wish) < Infinity);
    turns.set(key, wishes.length === 0 ? undefined : wishes);
  }

  let tidied = now();
  function tidy(): void {
    const [from, to] = [tidied, now()];
    tidied = to;
    const forgettable: string[] = [];
    for (const [key, evidence] of store()?.all() ?? []) {
      const expiry = evidence.challenge && new Date(evidence.challenge.expiryTime);
      if (expiry !== undefined && expiry > from && expiry <= to) onStep('expired');
      if (named.has(key)) continue;
      if (isForgettable(evidence, to)) forgettable.push(key);
      else if (evidence.goneSince === undefined) depart(key);
    }
    if (forgettable.length > 0) forget(forgettable);
  }
  const tidying = setInterval(tidy, TIDY_MS);

  return {
    set,
    confirm: async (key, linkHash) => {
      const evidence = evidenceOf(key);
      if (evidence.challenge?.linkHash !== linkHash || !isOpen(evidence, now())) return;
      onStep('link');
      await keep(key, afterProof(evidence, 'Link', now()));
    },
    isIdle: turns.isIdle,
    close: () => {
      clearInterval(tidying);
      turns.close();
    },
  };
}

/** Codes are tried at once. */
function dueTime({ code, due }: MailWish): number {
  if (code !== undefined) return 0;
  return due === undefined ? Infinity : Date.parse(due);
}

function resendsOf(wishes: readonly MailWish[]): string[] {
  return [...new Set(wishes.flatMap(({ resend }) => resend ?? []))];
}

/** What people can read aloud: no vowels, so that no words come of it, and nothing that looks like something else. */
const LETTERS = 'BCDFGHJKMNPQRSTVWXYZ23456789';
const HALF_LENGTH = 5;

/** 48 bits: with five tries for each, and three a day, nobody guesses one. */
function newCode(): string {
  const half = (): string =>
    Array.from({ length: HALF_LENGTH }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');
  return `${half()}-${half()}`;
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function namespaceOf(key: string): string {
  return `namespace ${key.slice(0, key.indexOf('/'))}`;
}
