/**
 * Where a command looks: in the state folder of one process, or on a cluster. Both say the same about objects and
 * Secrets.
 */
import type { KindName } from '../api/kinds.ts';
import type { ObjectName } from '../api/names.ts';
import { textAt } from '../api/plain-data.ts';

/** An object as far as commands know it: its manifest may be elsewhere, its status says the rest. */
export interface SeenObject extends ObjectName {
  readonly kind: KindName;
  readonly generation?: number | undefined;
  readonly status: Readonly<Record<string, unknown>>;
  /** Why nothing is known of it. */
  readonly unreadable?: string;
}

export interface RotationWish {
  /** Text that was not there before. */
  readonly trigger: string;
  /** How long the old passwords stay valid. */
  readonly overlap?: string;
}

export interface Source {
  /** For people: `state folder .smtp-plus`. */
  readonly name: string;
  /** Sorted by name. @param namespace default: all that may be seen. */
  readonly objects: (kind: KindName, namespace?: string) => Promise<readonly SeenObject[]>;
  /** Undefined where there is no such object. */
  readonly object: (kind: KindName, name: ObjectName) => Promise<SeenObject | undefined>;
  /** What a Secret holds, decoded. Undefined where there is none. */
  readonly secret: (name: ObjectName) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Asks for a new password. Resolves to what was done: a sentence without its full stop. */
  readonly rotate: (user: ObjectName, wish: RotationWish) => Promise<string>;
  /** What puts all of this in doubt: nobody keeps it up to date. */
  readonly warnings: () => Promise<readonly string[]>;
  readonly close: () => void;
}

/** The question was wrong, or nobody could answer it. The message says what to do, and is all that people see of it. */
export class CommandError extends Error {
  readonly code: ExitCode;

  constructor(message: string, code: ExitCode = 2, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * 0: done, or told. 1: the answer is no: it does not exist, or failed. 2: the command is wrong, or what it asks does not
 * answer.
 */
export type ExitCode = 0 | 1 | 2;

export interface Result {
  readonly code: ExitCode;
  /** For people; without a line break at its end. Undefined: there is nothing to say. */
  readonly text?: string | undefined;
  /** The same for programs. */
  readonly json: unknown;
  /** Each a line on stderr. */
  readonly problems?: readonly string[];
}

const NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** `NAMESPACE/NAME`, or `NAME` where the namespace is given by itself. */
export function parseKey(word: string, namespace: string | undefined): ObjectName {
  const parts = word.split('/');
  const [space, name] = parts.length === 1 ? [namespace, parts[0]] : parts;
  const isName = parts.length <= 2 && NAME.test(space ?? '') && NAME.test(name ?? '');
  if (space === undefined || name === undefined || !isName) {
    throw new CommandError(`${word} is no name of an object; write NAMESPACE/NAME, or --namespace NAMESPACE and NAME`);
  }
  return { namespace: space, name };
}

/** A password that somebody chose is not replaced by us. @param spec of the user */
export function refuseOwnPassword(spec: unknown): void {
  const own = textAt(spec, 'credentials', 'passwordSecretRef', 'name');
  if (own === undefined) return;
  throw new CommandError(`its password is your own: change it in the Secret ${own} that passwordSecretRef names`, 1);
}

/** A user that must be there. */
export async function userOf(source: Source, name: ObjectName): Promise<SeenObject> {
  const user = await source.object('SmtpPlusUser', name);
  const key = `${name.namespace}/${name.name}`;
  if (user === undefined) {
    throw new CommandError(
      `there is no SmtpPlusUser ${key} in ${source.name}; \`users\` lists those that there are`,
      1,
    );
  }
  if (user.unreadable !== undefined) throw new CommandError(`SmtpPlusUser ${key}: ${user.unreadable}`, 1);
  return user;
}
