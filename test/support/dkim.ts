/** Keys to sign with, and verifiers that are not ours: mailauth (Node) and dkimpy (Python, Debian's `python3-dkim`). */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import type { DkimKey, DkimSigner } from '../../relay/config/config.ts';

/** What the DNS holds, by name. */
export type Records = ReadonlyMap<string, string>;

export interface TestSigner {
  readonly signer: DkimSigner;
  readonly records: Records;
}

export function aSigner(domain = 'shop.example', { modulusLength = 2048 } = {}): TestSigner {
  const rsa = generateKeyPairSync('rsa', { modulusLength });
  const ed25519 = generateKeyPairSync('ed25519');
  const keys = [keyOf('rsa-sha256', 'r1', rsa.privateKey), keyOf('ed25519-sha256', 'e1', ed25519.privateKey)];
  return {
    signer: { domain, keys },
    records: new Map(keys.map((key) => [`${key.selector}._domainkey.${domain}`, recordOf(key)])),
  };
}

function keyOf(algorithm: DkimKey['algorithm'], selector: string, key: KeyObject): DkimKey {
  return { algorithm, selector, privateKey: key.export({ format: 'der', type: 'pkcs8' }).toString('base64') };
}

function recordOf({ algorithm, privateKey }: DkimKey): string {
  const der = Buffer.from(privateKey, 'base64');
  const key = createPublicKey(
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }),
  );
  const spki = key.export({ format: 'der', type: 'spki' });
  // RFC 8463 section 4.2: the key alone
  return algorithm === 'rsa-sha256'
    ? `v=DKIM1; k=rsa; p=${spki.toString('base64')}`
    : `v=DKIM1; k=ed25519; p=${spki.subarray(-32).toString('base64')}`;
}

/** For each signature, in the order of the message: algorithm, d= and result. */
export async function verifiedByMailauth(message: Buffer, records: Records): Promise<string[]> {
  const { results } = await dkimVerify(message, {
    resolver: (name: string) => {
      const record = records.get(name);
      if (record === undefined) return Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
      return Promise.resolve([[record]]);
    },
  });
  return results.map(({ signingDomain, algo, status }) => `${algo ?? ''} ${signingDomain ?? ''} ${status.result}`);
}

const PYTHON = '/usr/bin/python3';

/** Undefined where there is none; CI installs it. */
export function whyNoDkimpy(): string | undefined {
  const { status } = spawnSync(PYTHON, ['-c', 'import dkim, nacl']);
  if (status === 0) return undefined;
  if (process.env['CI'] !== undefined) throw new Error('dkimpy is missing: apt-get install python3-dkim python3-nacl');
  return 'needs python3-dkim and python3-nacl';
}

const SCRIPT = `
import dkim, json, sys
records = json.load(open(sys.argv[1]))
lookup = lambda name, timeout=5: records.get(name.decode().rstrip('.'), '').encode() or None
def verify(path):
    message = open(path, 'rb').read()
    found = [name for name, value in dkim.rfc822_parse(message)[0] if name.lower() == b'dkim-signature']
    results = []
    for i in range(len(found)):
        d = dkim.DKIM(message)
        try: ok = d.verify(idx=i, dnsfunc=lookup)
        except Exception as error: ok = repr(error)
        results.append('%s %s %s' % (d.signature_fields[b'a'].decode(), d.domain.decode(), 'pass' if ok is True else ok))
    return results
print(json.dumps([verify(path) for path in sys.argv[2:]]))
`;

/** The same of several messages. */
export async function verifiedByDkimpy(
  folder: string,
  messages: readonly Buffer[],
  records: Records,
): Promise<string[][]> {
  const recordsFile = path.join(folder, 'records.json');
  await writeFile(recordsFile, JSON.stringify(Object.fromEntries(records)));
  const files = messages.map((_, i) => path.join(folder, `${i}.eml`));
  await Promise.all(files.map((file, i) => writeFile(file, messages[i] ?? '')));
  const output = execFileSync(PYTHON, ['-c', SCRIPT, recordsFile, ...files], { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(output.toString()) as string[][];
}

/** A TXT record in a zone file, whose strings hold 255 octets. */
export function zoneLine(name: string, value: string): string {
  const strings = value.match(/.{1,255}/g) ?? [];
  return `${name}. IN TXT ${strings.map((text) => `"${text}"`).join(' ')}`;
}
