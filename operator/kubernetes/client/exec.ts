/**
 * Runs a command in a container through the API server (`pods/exec`), over a WebSocket with the channels of Kubernetes:
 * each message begins with the number of its stream. Version 4 of the protocol is what kubelets speak themselves.
 */
import { Agent, WebSocket } from 'undici';
import type { ApiCredentials } from './credentials.ts';
import { pathOf, PODS } from './resources.ts';

export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  /** Longest silence. */
  readonly silenceMs?: number;
}

export interface ExecResult {
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Undefined: it did not run to its end. */
  readonly code: number | undefined;
  /** What the kubelet says of it, where it is not 0. */
  readonly message: string;
}

const PROTOCOL = 'v4.channel.k8s.io';
const [STDOUT, STDERR, STATUS] = [1, 2, 3];
const SILENCE_MS = 60_000;
/** The largest message, in base64, and to spare. */
const OUTPUT_MAX = 256 * 1024 * 1024;

/** Rejects where there is no connection; why the API server refused it, a plain GET of the same path tells. */
export async function execInPod(credentials: ApiCredentials, request: ExecRequest): Promise<ExecResult> {
  const { server, headers, tls, proxy } = credentials;
  const dispatcher = proxy?.dispatcher ?? new Agent({ allowH2: false, connect: { ...tls } });
  const url = new URL(server.pathname.replace(/\/$/, '') + execPath(request), server);
  url.protocol = 'wss:';
  const socket = new WebSocket(url, { protocols: [PROTOCOL], dispatcher, headers: { ...headers } });
  try {
    return await outcomeOf(socket, request.silenceMs ?? SILENCE_MS);
  } finally {
    socket.close();
    if (proxy === undefined) await dispatcher.destroy();
  }
}

export function execPath({ namespace, pod, container, command }: ExecRequest): string {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' });
  for (const word of command) query.append('command', word);
  return `${pathOf(PODS, { namespace, name: pod })}/exec?${query.toString()}`;
}

function outcomeOf(socket: WebSocket, silenceMs: number): Promise<ExecResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
  const chunks: Record<number, Buffer[]> = { [STDOUT]: [], [STDERR]: [], [STATUS]: [] };
  let size = 0;
  socket.binaryType = 'arraybuffer';
  const onSilence = (): void => reject(new Error(`nothing came for ${silenceMs / 1000} s`));
  let timer = setTimeout(onSilence, silenceMs);
  socket.addEventListener('message', ({ data }) => {
    clearTimeout(timer);
    timer = setTimeout(onSilence, silenceMs);
    const bytes = Buffer.from(data as ArrayBuffer);
    size += bytes.length;
    if (size > OUTPUT_MAX) reject(new Error(`more than ${OUTPUT_MAX} octets came`));
    chunks[bytes[0] ?? 0]?.push(bytes.subarray(1));
  });
  socket.addEventListener('error', ({ error }: { error?: unknown }) =>
    reject(error instanceof Error ? error : new Error('the connection failed')),
  );
  socket.addEventListener('close', () => {
    const textOf = (channel: number): string => Buffer.concat(chunks[channel] ?? []).toString();
    resolve({ stdout: Buffer.concat(chunks[STDOUT] ?? []), stderr: textOf(STDERR), ...readStatus(textOf(STATUS)) });
  });
  return promise.finally(() => clearTimeout(timer));
}

interface Status {
  readonly status?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

function readStatus(text: string): Pick<ExecResult, 'code' | 'message'> {
  try {
    const { status, message = '', details } = JSON.parse(text) as Status;
    if (status === 'Success') return { code: 0, message: '' };
    const code = Number(details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message);
    return { code: Number.isInteger(code) ? code : undefined, message };
  } catch {
    return { code: undefined, message: 'the connection ended before the command did' };
  }
}
