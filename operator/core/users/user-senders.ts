/** What a user may send as, and what its status says about it. */
import type { UserSpec, UserStatus } from '../../api/user.ts';
import type { SenderRule } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';
import { named } from '../named.ts';
import { narrow, type NarrowedSender } from '../senders/narrowing.ts';
import { withinBudget, type NamespaceRules } from '../senders/sender-rules.ts';

type SenderState = NonNullable<UserStatus['senders']>[number];

export interface UserSenders {
  /** The condition `SendersVerified`. */
  readonly judgement: Judgement;
  readonly states: readonly SenderState[];
  /** For the relay; absent where the user does not narrow: then it has what its namespace has. */
  readonly narrowed?: readonly SenderRule[];
}

/** CRD bound of `status.senders`. */
const STATES_MAX = 64;
/** Senders named in a message; the status lists them all. */
const NAMED_MAX = 5;

export function judgeUserSenders(
  namespace: string,
  wish: UserSpec['senders'],
  { rules, leftOut }: NamespaceRules,
): UserSenders {
  const note =
    leftOut === 0
      ? ''
      : ` ${leftOut} VerifiedSenders are more than one namespace may use at once, and have no effect; verify a domain in place of its addresses, or delete those that are no longer used.`;
  if (wish === undefined) {
    const states = rules.map(stateOfRule);
    return { judgement: judge(states, `namespace ${namespace}`, note), states: states.slice(0, STATES_MAX) };
  }
  const narrowed = narrow(wish, rules);
  const states = narrowed.map((entry) => stateOfEntry(entry, namespace));
  const { rules: inEffect, leftOut: tooMany } = forRelay(narrowed);
  const excess =
    tooMany === 0
      ? ''
      : ` ${tooMany} addresses are more than one user may have, and have no effect; name their domain instead, or spread them over several users.`;
  const judgement = wish.length === 0 ? nothingWished : judge(states, 'spec.senders', note + excess);
  return { judgement: insistOnAll(judgement, states), states, narrowed: inEffect };
}

/** A user's part of a configuration document of 1 MiB: a hundred rules and more. */
const NARROWED_BYTES_MAX = 16 * 1024;

function forRelay(narrowed: readonly NarrowedSender[]): { rules: SenderRule[]; leftOut: number } {
  const rules = unique(narrowed.flatMap((one) => one.rules));
  const inOrder = [...rules.filter(({ verified }) => verified), ...rules.filter(({ verified }) => !verified)];
  const inEffect = withinBudget(inOrder, NARROWED_BYTES_MAX);
  return { rules: inEffect, leftOut: rules.length - inEffect.length };
}

function stateOfRule({ sender, object, verified }: SenderRule): SenderState {
  if (verified) return { sender, verifiedBy: object, state: 'Verified' };
  return { sender, verifiedBy: object, state: 'Pending', message: pendingMessage(object) };
}

function stateOfEntry({ sender, rules }: NarrowedSender, namespace: string): SenderState {
  const [first] = rules;
  if (first === undefined) {
    const message = `No VerifiedSender of namespace ${namespace}, or shared with it, covers ${sender}; make one.`;
    return { sender, state: 'NotCovered', message };
  }
  const whole = rules.find((rule) => rule.sender === sender);
  if (whole?.verified) return stateOfRule(whole);
  const addresses = rules.filter(({ verified }) => verified);
  const verifiedBy = addresses[0]?.object;
  if (verifiedBy === undefined) return { ...stateOfRule(whole ?? first), sender };
  const message = `Only these of its addresses: ${some(addresses.map((rule) => rule.sender))}.`;
  return { sender, verifiedBy, state: 'Verified', message };
}

function pendingMessage(object: string): string {
  return `VerifiedSender ${object} is not verified; its status says what to do.`;
}

const nothingWished: Judgement = {
  type: 'SendersVerified',
  status: 'False',
  reason: 'NoVerifiedSender',
  message:
    'spec.senders is empty, so that it may send as nobody; add senders, or leave the field out for all of the namespace.',
};

function judge(states: readonly SenderState[], where: string, note: string): Judgement {
  const type = 'SendersVerified';
  const verified = states.filter(({ state }) => state === 'Verified').map(({ sender }) => sender);
  const others = states.filter(({ state }) => state !== 'Verified').map(({ sender }) => sender);
  if (verified.length > 0) {
    const rest = others.length === 0 ? '' : ` Not verified: ${some(others)}.`;
    return { type, status: 'True', reason: 'Verified', message: `It may send as ${some(verified)}.${rest}${note}` };
  }
  const mend =
    others.length === 0
      ? 'there is no VerifiedSender; make one'
      : `none of ${some(others)} is verified; status.senders says what to do`;
  return {
    type,
    status: 'False',
    reason: 'NoVerifiedSender',
    message: `No verified sender in ${where}: ${mend}.${note}`,
  };
}

/** Who names a sender wants that one: it is not enough that others are verified. */
function insistOnAll(judgement: Judgement, states: readonly SenderState[]): Judgement {
  const missing = states.filter(({ state }) => state !== 'Verified').map(({ sender }) => sender);
  if (judgement.status === 'False' || missing.length === 0) return judgement;
  const message = `Named in spec.senders and not verified: ${some(missing)}; status.senders says what to do.`;
  return { ...judgement, status: 'False', reason: 'NotAllVerified', message };
}

function some(senders: readonly string[]): string {
  return named(senders, NAMED_MAX);
}

function unique(rules: readonly SenderRule[]): SenderRule[] {
  return [...new Map(rules.map((rule) => [`${rule.sender} ${rule.object}`, rule])).values()];
}
