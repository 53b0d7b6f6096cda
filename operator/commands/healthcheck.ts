/** `healthcheck`: whether a process says that it is ready, for images that have neither a shell nor curl. */
import { get } from 'node:http';
import { messageOf } from '../errors.ts';
import { CommandError, type Result } from './source.ts';

export interface HealthFlags {
  readonly host: string;
  readonly http: number;
  /** `readyz`, or `healthz`. */
  readonly page: string;
}

const TIMEOUT_MS = 5000;
const ANSWER_MAX = 1000;

export async function runHealthcheck({ host, http: port, page }: HealthFlags): Promise<Result> {
  const { status, text } = await ask({ host, port, page }).catch((error: unknown) => {
    throw new CommandError(`nobody answers at http://${host}:${port}/${page}: ${messageOf(error)}`, 1);
  });
  const isWell = status === 200;
  return { code: isWell ? 0 : 1, text: text.trim(), json: { ok: isWell, status, text: text.trim() } };
}

function ask({ host, port, page }: { host: string; port: number; page: string }) {
  return new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const request = get({ host, port, path: `/${page}`, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        if (text.length < ANSWER_MAX) text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    request.on('error', reject);
  });
}
