/** Where a single process keeps the mail that it captures. */
import { join } from 'node:path';
import type { CapturedPlace } from '../captured-mail.ts';
import type { Settings } from '../settings/settings.ts';

type Places = Pick<Settings, 'capture' | 'state'>;

/** The folder of the capture upstream. */
export function captureFolderOf({ capture, state }: Places): string {
  return capture ?? join(state, 'outbox');
}

export function spoolFolderOf({ state }: Pick<Places, 'state'>): string {
  return join(state, 'spool');
}

export function isCapturing({ classes, relayClass }: Pick<Settings, 'classes' | 'relayClass'>): boolean {
  return 'capture' in (classes[relayClass]?.upstream ?? {});
}

/** And what guards of lists keep from their recipients. */
export function capturePlaces(settings: Places): readonly CapturedPlace[] {
  return [
    { letter: 'o', folder: captureFolderOf(settings) },
    { letter: 'g', folder: join(spoolFolderOf(settings), 'captured') },
  ];
}
