/** `rotate`: a new password, by changing the trigger in the user's spec; then waits until it is in the Secret. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectName } from '../api/names.ts';
import { textAt } from '../api/plain-data.ts';
import { CommandError, userOf, type SeenObject, type Result, type Source } from './source.ts';
import { verdictOf } from './verdict.ts';

export interface RotateOptions {
  /** The old passwords end at once. */
  readonly isLeaked: boolean;
  readonly waitMs?: number;
}

const WAIT_MS = 60_000;
const LOOK_MS = 200;
/** As exact as the times in statuses are. */
const TIME_UNIT_MS = 1000;

export async function runRotate(
  source: Source,
  name: ObjectName,
  { isLeaked, waitMs = WAIT_MS }: RotateOptions,
): Promise<Result> {
  const key = `${name.namespace}/${name.name}`;
  const before = await userOf(source, name);
  const issued = textAt(before.status, 'passwordIssuedTime');
  const trigger = `by smtp-plus rotate at ${new Date().toISOString()}${isLeaked ? ', leaked' : ''}`;
  await untilTold(issued);
  const where = await source.rotate(name, { trigger, ...(isLeaked && { overlap: '0s' }) });
  const after = await whenIssued(source, name, { issued, deadline: Date.now() + waitMs });
  const secret = `${name.namespace}/${textAt(before.status, 'secretRef', 'name') ?? ''}`;
  if (after === undefined) {
    const { message } = verdictOf(await userOf(source, name));
    throw new CommandError(`${where}, but there is no new password after ${waitMs / 1000} s: ${message}`, 1);
  }
  const ends = textAt(after.status, 'previousPasswordExpiryTime');
  const old = ends === undefined ? 'The old one is not valid any more.' : `The old one is valid until ${ends}.`;
  return {
    code: 0,
    text: [
      `${where}.`,
      `The Secret ${secret} has a new password. ${old}`,
      'Restart the applications that read it only at their start.',
      ...(isLeaked ? ['The overlap is 0s now: remove it from the spec if later passwords are to overlap again.'] : []),
    ].join('\n'),
    json: {
      user: key,
      secret,
      trigger,
      passwordIssuedTime: after.status['passwordIssuedTime'],
      previousUntil: ends ?? null,
    },
  };
}

/** A password that is issued within the same second as the one before could not be told from it by its time. */
async function untilTold(issued: string | undefined): Promise<void> {
  if (issued === undefined) return;
  const ageMs = (): number => Date.now() - Date.parse(issued);
  // an operator whose clock is further ahead is not waited for: a second has passed there as well
  while (Math.abs(ageMs()) < TIME_UNIT_MS) await sleep(TIME_UNIT_MS - ageMs());
}

/** Undefined: it takes longer. */
async function whenIssued(
  source: Source,
  name: ObjectName,
  { issued, deadline }: { readonly issued: string | undefined; readonly deadline: number },
): Promise<SeenObject | undefined> {
  for (;;) {
    const user = await source.object('SmtpPlusUser', name);
    const now = textAt(user?.status, 'passwordIssuedTime');
    if (user !== undefined && now !== undefined && now !== issued) return user;
    if (Date.now() > deadline) return undefined;
    await sleep(LOOK_MS);
  }
}
