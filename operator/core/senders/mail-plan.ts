/** What to say and to do about mails to the address of a VerifiedSender, besides its conditions. */
import { z } from 'zod';
import { event } from '../events.ts';
import type { MailWish } from '../mail-evidence.ts';
import { keyOf, type PlannedEvent, type RawObject } from '../model.ts';
import type { MailVerdict } from './mail-proof.ts';
import { addressKeyOf } from './wished-address.ts';

/** For a sender that is not judged by mail at present: its address is still named, so that what is known about it is kept. */
export function wishOf(object: RawObject): MailWish | undefined {
  const key = addressKeyOf(object);
  return key === undefined ? undefined : { sender: keyOf(object.meta), key };
}

const sentStatus = z.object({ challenge: z.object({ sentTime: z.iso.datetime() }) });

/** Once for each mail: those that somebody has asked for change no condition. */
export function mailEvents(object: RawObject, mail: MailVerdict['challenge']): PlannedEvent[] {
  if (mail === undefined) return [];
  const before = sentStatus.safeParse(object.status);
  if (before.data?.challenge.sentTime === mail.sentTime) return [];
  const message = `A mail was sent at ${mail.sentTime}; its link and code are good until ${mail.expiryTime}.`;
  return [event(object, 'Normal', { reason: 'ChallengeSent', message })];
}
