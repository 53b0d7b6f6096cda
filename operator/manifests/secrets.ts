/** Secrets as an API server has them, in a cluster and in a folder: values in base64, and whose they are. */
import { API_VERSION, GROUP } from '../api/common.ts';
import { asRecord, texts } from '../api/plain-data.ts';
import { retainedOwner } from '../core/credentials/ownership.ts';
import type { SecretView } from '../core/model.ts';
import type { NamedObject } from './classify.ts';

type Values = Readonly<Record<string, string>>;

/** Base64 to text. What is no UTF-8 is no password, name or certificate in PEM, and is left out. */
export function decodeValues(data: Values): Values {
  const decoded = Object.entries(data).flatMap(([key, text]) => {
    const bytes = Buffer.from(text, 'base64');
    const plain = bytes.toString('utf8');
    return Buffer.from(plain, 'utf8').equals(bytes) ? [[key, plain] as const] : [];
  });
  return Object.fromEntries(decoded);
}

export function encodeValues(values: Values): Values {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
}

/** A Secret manifest as the core sees it, verifiers aside. `stringData` counts over `data`, as in an API server. */
export function viewSecretManifest(manifest: NamedObject): Omit<SecretView, 'verifiers'> {
  const { value } = manifest;
  const metadata = asRecord(value['metadata']);
  return {
    namespace: manifest.namespace,
    name: manifest.name,
    type: typeof value['type'] === 'string' ? value['type'] : 'Opaque',
    labels: texts(metadata['labels']),
    annotations: texts(metadata['annotations']),
    data: { ...decodeValues(texts(value['data'])), ...texts(value['stringData']) },
  };
}

/** One that was written here says besides whose it is; in a manifest of somebody's own that would be a claim. */
export function viewOwnSecret(manifest: NamedObject): Omit<SecretView, 'verifiers'> {
  const view = viewSecretManifest(manifest);
  return { ...view, ...ownershipOf(ownerReferencesOf(manifest), view) };
}

/** Name and UID of the user that the owner references of a Secret name as its controller. */
export function controllerOf(manifest: NamedObject): OwningUser | undefined {
  return owningUser(ownerReferencesOf(manifest));
}

function ownerReferencesOf({ value }: NamedObject): unknown {
  return asRecord(value['metadata'])['ownerReferences'];
}

const KIND = 'SmtpPlusUser';

export interface OwningUser {
  readonly name: string;
  readonly uid: string;
}

export interface SecretOwner extends OwningUser {
  /** No owner reference says so, but an annotation. */
  readonly isRetained: boolean;
}

export function ownerReference({ name, uid }: OwningUser): object {
  return { apiVersion: API_VERSION, kind: KIND, name, uid, controller: true };
}

/**
 * The SmtpPlusUser that controls the object with these owner references. The version of the API may be any: an object
 * stays the same one when it is written through another version.
 */
export function owningUser(references: unknown): OwningUser | undefined {
  if (!Array.isArray(references)) return undefined;
  const controller = (references as unknown[]).find(isController);
  if (controller === undefined) return undefined;
  const { apiVersion, kind, name, uid } = controller;
  const isUser = kind === KIND && typeof apiVersion === 'string' && apiVersion.split('/')[0] === GROUP;
  return isUser && typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined;
}

/**
 * The user that a Secret belongs to. What an annotation says counts only where no owner reference says otherwise: a Secret
 * that another controller has made is that one's.
 */
export function secretOwner(
  references: unknown,
  secret: Pick<SecretView, 'type' | 'annotations'>,
): SecretOwner | undefined {
  const owner = isControlled(references) ? owningUser(references) : retainedOwner(secret);
  return owner && { ...owner, isRetained: !isControlled(references) };
}

/** What a view of a Secret says of that. */
export function ownershipOf(
  references: unknown,
  secret: Pick<SecretView, 'type' | 'annotations'>,
): Pick<SecretView, 'controllerUid' | 'retainedFor' | 'isOthers'> {
  const owner = secretOwner(references, secret);
  if (owner === undefined) return isControlled(references) ? { isOthers: true } : {};
  return { controllerUid: owner.uid, ...(owner.isRetained && { retainedFor: owner.name }) };
}

function isControlled(references: unknown): boolean {
  return Array.isArray(references) && references.some(isController);
}

function isController(reference: unknown): reference is Readonly<Record<string, unknown>> {
  return (
    typeof reference === 'object' && reference !== null && 'controller' in reference && reference.controller === true
  );
}
