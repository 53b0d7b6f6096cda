import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { plainCode } from './core/mail-evidence.ts';
import type { Issuer } from './core/model.ts';
import { fitsSha256, sha256Verifier } from '../relay/password-hash.ts';
import { isGenerated, randomPassword } from './random-password.ts';

const SALT_BYTES = 16;

/** What makes this installation differ from every other: a secret of its own, from which all else is derived. */
export interface Installation {
  /** UID of an object, in the form of a UUID; the same over restarts, different in every installation. */
  readonly uidOf: (kind: string, namespace: string, name: string) => string;
  /** Salt for the verifier of what `purpose` names. Derived, so that verifiers do not change over restarts. */
  readonly saltFor: (purpose: string) => Buffer;
  /** Key of the hashes that stand for addresses in the log of a class's relays (hex); the same over restarts. */
  readonly logKeyOf: (className: string) => string;
  /** What opens the pages that name tenants: those of a class's relays, or of the operator (no class). */
  readonly pageToken: (className?: string) => string;
  /** Key of the hashes in the names of counters that the relays of a class share (hex); the same over restarts. */
  readonly counterKeyOf: (className: string) => string;
  /** Key by which the relays of a class know each other (hex); the same over restarts. */
  readonly handoverKeyOf: (className: string) => string;
  /** Password by which the operator itself sends through the relays of a class. */
  readonly operatorPassword: (className: string) => string;
  /** What is kept of the link in a mail. */
  readonly linkHash: (token: string) => string;
  /** Which of a number of places a thing belongs to: tenants choose names, and must not choose whose place they fill. */
  readonly placeOf: (key: string, count: number) => number;
  readonly issuer: Issuer;
}

/** What `newInstallationId` gave. */
export const INSTALLATION_ID = /^[0-9a-f]{64}$/;

export function newInstallationId(): string {
  return randomBytes(32).toString('hex');
}

/** @param id What `newInstallationId` gave once, for this installation. */
export function createInstallation(id: string): Installation {
  // once: making a key costs more than the digest
  const key = createSecretKey(id, 'hex');
  const derive = (...parts: readonly string[]): Buffer =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest();
  const uidOf = (kind: string, namespace: string, name: string): string =>
    toUuid(derive('uid', kind, namespace, name).toString('hex'));
  const saltFor = (purpose: string): Buffer => derive('salt', purpose).subarray(0, SALT_BYTES);
  const operatorPassword = (className: string): string => derive('operator', className).toString('base64url');
  return {
    uidOf,
    saltFor,
    logKeyOf: (className) => derive('log', className).toString('hex'),
    pageToken: (className = '') => derive('pages', className).toString('base64url'),
    counterKeyOf: (className) => derive('counters', className).toString('hex'),
    handoverKeyOf: (className) => derive('handover', className).toString('hex'),
    operatorPassword,
    linkHash: (token) => derive('link', token).toString('hex'),
    placeOf: (thing, count) => derive('place', thing).readUInt32BE() % count,
    issuer: {
      newPassword: ({ uid }) => {
        const password = randomPassword();
        return { password, verifier: sha256Verifier(password, saltFor(uid)) };
      },
      verifierOf: ({ uid }, password) => (isGenerated(password) ? sha256Verifier(password, saltFor(uid)) : undefined),
      fits: (password, verifier) => isGenerated(password) && fitsSha256(password, verifier) === true,
      isFor: ({ uid }, verifier) => verifier.startsWith(`sha256$${saltFor(uid).toString('base64url')}$`),
      seal: ({ namespace, name }, text) => derive('passwords', namespace, name, text).toString('base64url'),
      operatorVerifier: (className) => sha256Verifier(operatorPassword(className), saltFor(`operator of ${className}`)),
      // a code is short: without the key, all that there are could be tried
      codeHash: (key, linkHash, code) => derive('code', key, linkHash, plainCode(code)).toString('hex'),
      challengeToken: (namespace, domain) => derive('challenge', namespace, domain).toString('hex').slice(0, 40),
    },
  };
}

/** RFC 9562 version 8: bits of one's own making. */
function toUuid(hex: string): string {
  const [a, b, c, d, e] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16), hex.slice(17, 20), hex.slice(20, 32)];
  return `${a}-${b}-8${c}-8${d}-${e}`;
}
