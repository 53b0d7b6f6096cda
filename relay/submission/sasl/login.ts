/** LOGIN, which no RFC defines and every client knows. */
import { isUserName, malformed, type Mechanism } from './mechanism.ts';

export const login: Mechanism = {
  name: 'LOGIN',
  credentials: async (ask) => {
    const user = await ask('Username:');
    if (typeof user !== 'string') return user;
    if (!isUserName(user)) return malformed();
    const password = await ask('Password:');
    if (typeof password !== 'string') return password;
    return password === '' ? malformed() : { user, password };
  },
};
