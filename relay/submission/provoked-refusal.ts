/**
 * Recipients that are refused on demand, so that an application can meet a "no" as its user would: at RCPT, whichever
 * way its mail is handed on. Only where nothing reaches real people, since elsewhere `reject@` could be somebody's
 * address: in lists that lead to the capture upstream (which provokes more, see delivery/capture.ts), and for users in
 * a sandbox.
 */
import type { Admitted } from './admission.ts';
import { replies, type Reply } from '../replies.ts';

const REFUSALS: Readonly<Record<string, () => Reply>> = {
  'reject@': replies.provokedRefusal,
  'reject-temp@': replies.provokedDeferral,
};

export function provokedRefusal({ user, list }: Admitted, address: string): Reply | undefined {
  if (list.upstream.kind !== 'capture' && user.mode !== 'Sandbox') return undefined;
  const local = address.slice(0, address.lastIndexOf('@') + 1).toLowerCase();
  return Object.hasOwn(REFUSALS, local) ? REFUSALS[local]?.() : undefined;
}
