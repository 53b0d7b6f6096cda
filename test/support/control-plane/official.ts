/** The binaries that Kubernetes' own controller-tools publish for tests: one archive for each machine, with a pinned checksum. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

export interface Archive {
  readonly url: string;
  /** SHA-512 in hexadecimal, as in envtest-releases.yaml of controller-tools. */
  readonly checksum: string;
}

const VERSION = 'v1.36.2';
const CHECKSUMS: Readonly<Record<string, string>> = {
  'linux-x64':
    'ea743186c8a799f5cf8faf16969f86189d003cb7d130e0ac4b58789f1e5748dcf30ebe91c837a10d5ac415383da3e10b9e64d65785c938c23e739781cfb76f08',
  'linux-arm64':
    '2d72ee985a8e262a3c57dc9f7f0fd891f6a8c7bf7ebaa2db6dc6d8eac8ae28181afe51c1f368b67756cdb40b10de9b205609e1726e5f27f7c6d824dd9c6649ac',
};

/** Where nobody answers, the build is waiting. */
const ANSWER_MS = 5000;
/** Longest pause between two parts. */
const SILENCE_MS = 15_000;
/** Three times what it has. */
const ARCHIVE_MAX = 200 * 1024 * 1024;

/** The archive for this machine; undefined where there is none. */
export function officialArchive(): Archive | undefined {
  const checksum = CHECKSUMS[`${process.platform}-${process.arch}`];
  if (checksum === undefined) return undefined;
  const name = `envtest-${VERSION}-linux-${process.arch === 'x64' ? 'amd64' : process.arch}.tar.gz`;
  const url = `https://github.com/kubernetes-sigs/controller-tools/releases/download/envtest-${VERSION}/${name}`;
  return { url, checksum };
}

export function officialFolder(cache: string): string {
  return path.join(cache, `envtest-${VERSION}-${process.platform}-${process.arch}`);
}

/** Fetches an archive into a folder, which is there as a whole or not at all. Rejects with a reason in a few words. */
export async function fetchArchive(
  { url, checksum }: Archive,
  target: string,
  { answerMs = ANSWER_MS, silenceMs = SILENCE_MS } = {},
): Promise<void> {
  const bytes = await download(url, { answerMs, silenceMs });
  if (createHash('sha512').update(bytes).digest('hex') !== checksum)
    throw new Error('its checksum is not the pinned one');
  const fresh = `${target}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  await unpack(bytes, fresh);
  if (existsSync(target)) rmSync(fresh, { recursive: true });
  else renameSync(fresh, target);
}

async function download(
  url: string,
  { answerMs, silenceMs }: { answerMs: number; silenceMs: number },
): Promise<Buffer> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error('no answer in time'));
  let timer = setTimeout(abort, answerMs);
  try {
    const response = await fetch(url, { signal: controller.signal });
    if (!response.ok || response.body === null) throw new Error(`the server says ${response.status}`);
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of response.body) {
      clearTimeout(timer);
      timer = setTimeout(abort, silenceMs);
      length += part.length;
      if (length > ARCHIVE_MAX) throw new Error('it is larger than any such archive');
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (error) {
    // fetch says "fetch failed", and why in the cause
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

async function unpack(archive: Buffer, folder: string): Promise<void> {
  const tar = spawn('tar', ['-xz', '--strip-components=2', '-C', folder], { stdio: ['pipe', 'ignore', 'ignore'] });
  tar.stdin.on('error', () => undefined).end(archive);
  const code = await new Promise<number | null>((resolve, reject) => tar.on('error', reject).on('exit', resolve));
  if (code !== 0) throw new Error(`tar ended with code ${code}`);
}
