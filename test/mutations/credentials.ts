/** Of passwords: each cuts off who was let in, or lets in who should not be. */
import type { Mutation } from './mutation.ts';

const RECORD = ['operator/core/credentials/password-record.test.ts'];
const VALID = ['operator/core/credentials/valid-passwords.test.ts'];
const PLAN = ['operator/core/plan.test.ts'];
const PROPERTIES = ['operator/core/properties.test.ts'];
const FOLDER = ['test/standalone/passwords-kept.test.ts'];

export const credentialsMutations: readonly Mutation[] = [
  {
    name: 'credentials: a record is believed whatever its seal',
    file: 'operator/core/credentials/password-record.ts',
    from: 'seal === issuer.seal(user, textOf(record))',
    to: 'true',
    tests: RECORD,
  },
  {
    name: 'credentials: a record without a seal is believed',
    file: 'operator/core/credentials/password-record.ts',
    from: "isFromBeforeSeals(record, issuer.verifierOf(user, data['password'] ?? ''))",
    to: 'true',
    tests: RECORD,
  },
  {
    name: 'credentials: a seal says nothing about the user',
    file: 'operator/installation.ts',
    from: "derive('passwords', namespace, name, text)",
    to: "derive('passwords', text + namespace.slice(9) + name.slice(9))",
    tests: RECORD,
  },
  {
    name: 'credentials: a password that was never generated is taken for one that was',
    file: 'operator/installation.ts',
    from: 'isGenerated(password) ? sha256Verifier(password, saltFor(uid)) : undefined',
    to: 'sha256Verifier(password, saltFor(uid))',
    tests: RECORD,
  },
  {
    name: 'credentials: what the relays were told is forgotten',
    file: 'operator/core/turn-plan.ts',
    from: 'acceptedOf: (user) => acceptedPasswords(planner.relays, user) ?? sources.accepted(user)',
    to: 'acceptedOf: () => undefined',
    tests: PROPERTIES,
  },
  {
    name: 'credentials: what the relay was told before the start is not read',
    file: 'operator/directory/adapter.ts',
    from: 'await readAccepted(join(state, RELAY_FOLDER))',
    to: 'new Map()',
    tests: FOLDER,
  },
  {
    name: 'credentials: a user that is made anew has the passwords of before',
    file: 'operator/core/credentials/valid-passwords.ts',
    from: 'if (uid !== undefined) return uid === user.uid;',
    to: 'if (uid !== undefined) return true;',
    tests: VALID,
  },
  {
    name: 'credentials: a further change puts off the end of a password',
    file: 'operator/core/credentials/valid-passwords.ts',
    from: 'notAfter: first(notAfter, last) ?? last',
    to: 'notAfter: last',
    tests: [...VALID, ...PLAN],
  },
  {
    name: 'credentials: passwords pile up',
    file: 'operator/core/credentials/valid-passwords.ts',
    from: '.slice(0, PREVIOUS_MAX)',
    to: '',
    tests: VALID,
  },
  {
    name: 'credentials: a wrong password costs any number of slow hashes',
    file: 'operator/core/credentials/valid-passwords.ts',
    from: 'if (salts.size >= SLOW_SALTS_MAX) return false;',
    to: '',
    tests: VALID,
  },
  {
    name: 'credentials: a wrong password costs a slow hash for each that is valid',
    file: 'relay/password-hash.ts',
    from: 'known.get(costAndSalt) ?? ',
    to: '',
    tests: ['relay/password-hash.test.ts'],
  },
  {
    name: 'credentials: the overlap is a day where the interval is shorter',
    file: 'operator/core/credentials/valid-passwords.ts',
    from: "Math.min(OVERLAP_SECONDS, durationSeconds(rotation?.interval ?? '24h'))",
    to: 'OVERLAP_SECONDS',
    tests: VALID,
  },
  {
    name: 'credentials: the password of a Secret that is left alone is cut off',
    file: 'operator/core/credentials/credentials.ts',
    from: "return waiting(notReady('SecretNotOwned', objection, field), ending, now);",
    to: "return waiting(notReady('SecretNotOwned', objection, field), ending.slice(9), now);",
    tests: PROPERTIES,
  },
  {
    name: 'credentials: a password of its own is cut off where its Secret is deleted',
    file: 'operator/core/credentials/own-password.ts',
    from: 'return waiting(found, endingPasswords(told, { inForce: [], now, overlapSeconds }), now);',
    to: 'return waiting(found, [], now);',
    tests: FOLDER,
  },
  {
    name: 'credentials: a Secret among the manifests is taken over',
    file: 'operator/core/credentials/ownership.ts',
    from: 'secret.isOthers !== true && ',
    to: '',
    tests: FOLDER,
  },
  {
    name: 'credentials: a Secret that was made for another user is taken over',
    file: 'operator/core/credentials/ownership.ts',
    from: 'return user === name;',
    to: 'return true;',
    tests: PLAN,
  },
  {
    name: 'credentials: a Secret without an owner locks its user out',
    file: 'operator/core/credentials/ownership.ts',
    from: 'secret.isOthers !== true && isMadeFor(secret, user)',
    to: 'false',
    tests: PLAN,
  },
  {
    name: 'credentials: a state folder from elsewhere locks its users out',
    file: 'operator/directory/secret-file-view.ts',
    from: "return controller.uid === installation.uidOf('SmtpPlusUser', view.namespace, controller.name) ? view : unowned;",
    to: 'return unowned === undefined ? unowned : view;',
    tests: FOLDER,
  },
];
