/** What an application would find in its Secret, for commands that act like one. */
import type { ObjectName } from '../api/names.ts';
import { textAt } from '../api/plain-data.ts';
import { CommandError, userOf, type SeenObject, type Source } from './source.ts';
import { verdictOf } from './verdict.ts';

export interface AppCredentials {
  readonly user: SeenObject;
  /** `NAMESPACE/NAME`. */
  readonly secret: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** TLS from the first byte, instead of STARTTLS. */
  readonly isImplicitTls: boolean;
  /** PEM; undefined: a public authority signed the certificate. */
  readonly ca: string | undefined;
}

export async function credentialsOf(source: Source, name: ObjectName): Promise<AppCredentials> {
  const user = await userOf(source, name);
  const key = `${name.namespace}/${name.name}`;
  const secretName = textAt(user.status, 'secretRef', 'name');
  if (secretName === undefined) {
    throw new CommandError(`SmtpPlusUser ${key} has no Secret yet: ${verdictOf(user).message}`, 1);
  }
  const secret = `${name.namespace}/${secretName}`;
  const values = await source.secret({ namespace: name.namespace, name: secretName });
  if (values === undefined) {
    throw new CommandError(`the Secret ${secret} of SmtpPlusUser ${key} is not there: ${verdictOf(user).message}`, 1);
  }
  const { host, username, password } = values;
  const port = Number(values['port']);
  if (!host || !username || !password || !(port > 0 && port <= 65_535)) {
    throw new CommandError(
      `the Secret ${secret} lacks a host, port, username or password: delete it, and it is made anew`,
      1,
    );
  }
  return { user, secret, host, port, username, password, isImplicitTls: values['tls'] === 'TLS', ca: values['ca.crt'] };
}
