/** Debian's Chromium without a window, by the DevTools protocol. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { until } from './eventually.ts';
import { folderOf } from './folder.ts';

export interface Tab {
  readonly open: (url: string) => Promise<void>;
  /** The text that a reader sees. */
  readonly text: () => Promise<string>;
  readonly evaluate: (expression: string) => Promise<unknown>;
  readonly press: (key: 'Tab' | 'Enter') => Promise<void>;
  /** Waits for the page that an action leads to. */
  readonly loading: (act: () => Promise<unknown>) => Promise<void>;
  /** What the browser complained about: blocked styles, scripts and the like. */
  readonly complaints: readonly string[];
  readonly screenshot: () => Promise<Buffer>;
  readonly command: (method: string, params?: object) => Promise<Readonly<Record<string, unknown>>>;
}

// no network but the one of the test, and no word to anybody about it
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
];

export async function openTab(t: TestContext): Promise<Tab> {
  const folder = await folderOf(t);
  const child = spawn('chromium', [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'close');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  const browser = await until(() => lines.map((line) => /ws:\/\/\S+/.exec(line)?.[0]).find((url) => url !== undefined));
  const targets = await until(async () => {
    const answer = await fetch(`http://${new URL(browser).host}/json/list`);
    const pages = (await answer.json()) as { type: string; webSocketDebuggerUrl: string }[];
    return pages.find(({ type }) => type === 'page');
  });
  const socket = new WebSocket(targets.webSocketDebuggerUrl);
  await once(socket, 'open');
  t.after(() => socket.close());
  return tabOver(socket);
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, { readonly text?: string }>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

async function tabOver(socket: WebSocket): Promise<Tab> {
  const waiting = new Map<number, PromiseWithResolvers<Readonly<Record<string, unknown>>>>();
  const complaints: string[] = [];
  let loads = 0;
  let next = 1;
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result = {}, error } = JSON.parse(String(data)) as Message;
    if (method === 'Page.loadEventFired') loads++;
    if (method === 'Log.entryAdded') complaints.push(params?.['entry']?.text ?? '');
    if (id === undefined) return;
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error.message));
  });
  const command: Tab['command'] = (method, params = {}) => {
    const id = next++;
    const answer = Promise.withResolvers<Readonly<Record<string, unknown>>>();
    waiting.set(id, answer);
    socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  };
  const loading: Tab['loading'] = async (act) => {
    const before = loads;
    await act();
    await until(() => loads > before);
  };
  const evaluate: Tab['evaluate'] = async (expression) => {
    const { result } = await command('Runtime.evaluate', { expression, returnByValue: true });
    return (result as { readonly value?: unknown }).value;
  };
  await command('Page.enable');
  await command('Log.enable');
  return {
    command,
    complaints,
    evaluate,
    open: (url) => loading(() => command('Page.navigate', { url })),
    text: async () => String(await evaluate('document.body.innerText')),
    loading,
    press: async (key) => {
      const text = key === 'Enter' ? { text: '\r', windowsVirtualKeyCode: 13 } : { windowsVirtualKeyCode: 9 };
      await command('Input.dispatchKeyEvent', { type: 'keyDown', key, code: key, ...text });
      await command('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, ...text });
    },
    screenshot: async () => {
      const { data } = await command('Page.captureScreenshot', { format: 'png' });
      return Buffer.from(String(data), 'base64');
    },
  };
}
