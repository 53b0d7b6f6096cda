import type { PageRequest } from '../../relay/observe/http.ts';

/** A request for a page, as the HTTP port hands it on. */
export function pageRequest(path: string, more: Partial<PageRequest> = {}): PageRequest {
  return { method: 'GET', path, query: new URLSearchParams(), headers: {}, remoteAddress: '127.0.0.1', ...more };
}
