/** PLAIN (RFC 4616). */
import { type Answer, replies } from '../../replies.ts';
import { isUserName, malformed, type Credentials, type Mechanism } from './mechanism.ts';

export const plain: Mechanism = {
  name: 'PLAIN',
  credentials: async (ask) => {
    const message = await ask('');
    return typeof message === 'string' ? parsePlain(message) : message;
  },
};

/** `authzid NUL authcid NUL password`: the identity to act as must be absent or the user's own. */
export function parsePlain(message: string): Credentials | Answer {
  const parts = message.split('\0');
  const [authorization, user, password] = parts;
  if (parts.length !== 3 || authorization === undefined || user === undefined || password === undefined) {
    return malformed();
  }
  if (!isUserName(user) || password === '') return malformed();
  return authorization === '' || authorization === user ? { user, password } : replies.authIdentity();
}
