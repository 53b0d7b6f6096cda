/** Pictures of pages for the guide, kept in docs/images/. `UPDATE_PICTURES=1` takes them anew; look at them before you commit. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tab } from './chromium.ts';

const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const UPDATES = process.env['UPDATE_PICTURES'] === '1';
/** Whoever clones the repository fetches all of them. */
const BYTES_MAX = 150_000;
/** Of the window before it is as high as its page. */
const LEAST_HEIGHT = 100;

export interface Screen {
  readonly width: number;
  readonly mobile: boolean;
}

export const PHONE: Screen = { width: 390, mobile: true };
export const DESKTOP: Screen = { width: 900, mobile: false };

/** Takes a picture of all of a page, which must fit this screen, and sees to it that the guide has one of the same width. */
export async function takePicture(tab: Tab, name: string, { url, screen }: { url: string; screen: Screen }) {
  const showIn = (height: number) =>
    tab.command('Emulation.setDeviceMetricsOverride', { ...screen, height, deviceScaleFactor: 1 });
  await showIn(LEAST_HEIGHT);
  await tab.open(url);
  await showIn(await measure(tab, 'scrollHeight'));
  assert.equal(await measure(tab, 'scrollWidth'), screen.width, `${name}: it scrolls sideways`);
  const taken = await tab.screenshot();
  assert.equal(sizeOf(taken).width, screen.width);
  const file = join(FOLDER, `${name}.png`);
  if (UPDATES) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, taken);
  }
  const kept = readFileSync(file);
  assert.equal(sizeOf(kept).width, screen.width, `${file} is of another width`);
  assert.ok(kept.length <= BYTES_MAX, `${file} has ${kept.length} octets`);
}

async function measure(tab: Tab, what: 'scrollWidth' | 'scrollHeight'): Promise<number> {
  return Number(await tab.evaluate(`document.documentElement.${what}`));
}

/** Of a PNG, by its first chunk. */
function sizeOf(png: Buffer): { readonly width: number; readonly height: number } {
  assert.equal(png.toString('latin1', 1, 4), 'PNG');
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}
