/**
 * Whether a session may send at all: an ordered list of small checks, the first objection gives the reply. Asked at
 * MAIL, at RCPT and at DATA, each time by the configuration then in force, so that a change holds for open sessions
 * too.
 */
import { userOfLogin, whyUnusable } from './authenticate.ts';
import { isAllowedClient } from './client-address.ts';
import type { ListConfig, RelayConfig, UserConfig } from '../config/config.ts';
import { replies, type Reply } from '../replies.ts';
import { isPausedHere } from '../usage/counter.ts';
import { abandonTransaction, mayUseClearText, type Session } from './state.ts';

export interface Admitted {
  readonly config: RelayConfig;
  readonly userName: string;
  readonly user: UserConfig;
  readonly list: ListConfig;
}

export function admit(session: Session): Admitted | Reply {
  const { login, services } = session;
  const config = services.config();
  const isSecure = session.conn.tls !== undefined;
  if (!mayUseClearText(session)) return replies.tlsRequired();
  if (login === undefined || config === undefined) return replies.authRequired();
  const user = userOfLogin(config, login, services.now());
  if (user === undefined) {
    const why = whyUnusable(config, login, services.now());
    // the user or the password is gone: the session may log in again, with what holds now
    return why ?? logOut(session);
  }
  const list = config.lists.get(user.list);
  // users without a list are among the unusable ones: this is the moment in which only one of the two documents has changed
  if (list === undefined) return replies.userUnusable(login.user);
  if (!isSecure && list.starttls === 'Required') return replies.tlsRequired();
  if (!user.active) return replies.userInactive(login.user);
  if (list.suspended) return replies.listSuspended(user.list);
  if (user.paused === true || isPausedHere(services.usage, user)) return replies.userPaused(user.object);
  if (!isAllowedClient(session.address, user.clientCIDRs)) {
    return replies.clientDenied(session.address, login.user);
  }
  return { config, userName: login.user, user, list };
}

/** The namespace in whose share of the queue a message will wait; undefined: it is never queued. */
export function queuedFor({ list, user }: Admitted): string | undefined {
  return list.delivery.mode === 'Passthrough' || user.mode === 'Sandbox' ? undefined : user.namespace;
}

function logOut(session: Session): Reply {
  if (session.login !== undefined) session.services.limits.connections.leave(session.login.user);
  session.login = undefined;
  abandonTransaction(session);
  return replies.authRequired();
}
