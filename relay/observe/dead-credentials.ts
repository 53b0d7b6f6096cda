/**
 * Credentials that a change of the configuration has ended: whoever deletes a manifest should see in the log that it
 * has taken effect.
 */
import type { RelayConfig } from '../config/config.ts';
import type { Log } from './log.ts';

interface DeadCredential {
  readonly user: string;
  /** The SmtpPlusUser. */
  readonly object: string;
  /** The user is gone, or has another password. */
  readonly what: 'user' | 'password';
}

/** Where thousands end at once, this many are enough to see what is happening. */
const TOLD_MAX = 20;

const TELL = {
  user: { level: 'warn', words: 'the user is gone: its credentials are refused from now on' },
  password: { level: 'info', words: 'a password was replaced: the one before is refused from now on' },
} as const;

export function tellDeadCredentials(before: RelayConfig, after: RelayConfig, log: Pick<Log, 'info' | 'warn'>): void {
  const dead = deadCredentials(before, after);
  for (const { what, user, object } of dead.slice(0, TOLD_MAX)) {
    const { level, words } = TELL[what];
    log[level]({ event: 'credential', user, object }, words);
  }
  const more = dead.length - TOLD_MAX;
  if (more > 0) log.warn({ event: 'credential', more }, 'and more users or passwords that are refused from now on');
}

export function deadCredentials(before: RelayConfig, after: RelayConfig): readonly DeadCredential[] {
  const dead: DeadCredential[] = [];
  for (const [user, entry] of [...before.users, ...before.unusable]) {
    const now = after.users.get(user) ?? after.unusable.get(user);
    if (now === entry) continue;
    const { object } = entry;
    if (now === undefined) dead.push({ user, object, what: 'user' });
    else if (!entry.credentials.every(({ verifier }) => now.credentials.some((one) => one.verifier === verifier))) {
      dead.push({ user, object, what: 'password' });
    }
  }
  return dead;
}
